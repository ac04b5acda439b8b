/* SPDX-License-Identifier: Apache-2.0 */
/* ConfigMaps that the controller follows while it runs: of settings (configure.c), of limits (semaphore.c). Each is
 * owned by the controller and freed before its locks and its store; -1: the store cannot be watched. */
#pragma once

#include "controller/controller_internal.h"

int tph_configurer_start(struct tph_controller *c, struct tph_error *err) TPH_MUST_CHECK;
void tph_configurer_free(struct configurer *it); /* NULL is fine */

int tph_semaphores_start(struct tph_controller *c, struct tph_error *err) TPH_MUST_CHECK;
void tph_semaphores_free(struct semaphores *it); /* NULL is fine */
