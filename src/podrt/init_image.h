/* SPDX-License-Identifier: Apache-2.0 */
/* tiphys-init, which is linked into the program, as a file to execute. */
#pragma once

/* A sealed memory file with the program; the caller closes it. -1 when there is no memory for one. */
int tph_init_image(void);
