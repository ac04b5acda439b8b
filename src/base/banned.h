/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that this project does not use: each overruns, hides an error, depends on the locale or keeps state.
 * The build puts this header in front of every file of src/, so using one is a compile error; those of <time.h>
 * (gmtime, localtime, ctime, asctime) and alloca are refused by tools/check, for the engine must not see <time.h>.
 *
 * Instead: base/str.h and base/buf.h for texts, tph_str_to_i64 for numbers, localtime_r and gmtime_r for times.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Fortified for clang they are macros, and those cannot be poisoned. */
#undef sprintf
#undef vsprintf
#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof
#pragma GCC poison mktemp tmpnam tempnam
