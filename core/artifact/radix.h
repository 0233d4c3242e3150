/* SPDX-License-Identifier: Apache-2.0 */
/* artifact/radix.h: order by a number, in time that grows with the count alone. */
#ifndef ADZE_ARTIFACT_RADIX_H
#define ADZE_ARTIFACT_RADIX_H

#include <stddef.h>
#include <stdint.h>

/* Orders COUNT items of SIZE bytes by the uint64_t that lies KEY bytes into each; equal ones stay as
 * they are to each other. SCRATCH has room for as many. */
void adze_radix_sort (void *items, void *scratch, size_t count, size_t size, size_t key);

#endif
