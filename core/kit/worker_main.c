/* SPDX-License-Identifier: Apache-2.0 */
/* Where a worker process begins. It stands here, above core/stage, since it knows the kit. */
#include "kit/kit.h"

/* Lent before main's work begins and never changed after. */
static const adze_allocator *lent_allocator;

void
adze_worker_allocator (const adze_allocator *allocator)
{
  lent_allocator = allocator;
}

const adze_allocator *
adze_kit_allocator (void)
{
  return lent_allocator;
}

int
adze_worker_main (int argc, char **argv)
{
  static const adze_worker_verb verbs[] = { { "case", adze_case_serve }, { NULL, NULL } };
  (void)argc;
  (void)argv;
  return adze_worker_serve (verbs);
}
