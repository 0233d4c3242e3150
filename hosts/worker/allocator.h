/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's own allocator; NULL where it has none. */
#ifndef WORKER_ALLOCATOR_H
#define WORKER_ALLOCATOR_H

#include <adze/host.h>

const adze_allocator *worker_allocator (void);

#endif
