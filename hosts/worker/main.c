/* SPDX-License-Identifier: Apache-2.0 */
/* adze-worker: a process that may die in place of the host. Started by libadze, not by people. */
#include "allocator.h"

int
main (int argc, char **argv)
{
  adze_worker_allocator (worker_allocator ());
  return adze_worker_main (argc, argv);
}
