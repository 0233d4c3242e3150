/* SPDX-License-Identifier: Apache-2.0 */
/* share.c: our own loops on the threads that oneDNN has. Were they done on the host's threads, two pools
 * would take turns: each time the one has work, the other one's threads still turn in a circle on the
 * processors that it needs, or have to be woken. */
#include "onednn.h"

#include <stdatomic.h>

enum { MOST = 64 };

/* Each thread has pieces of its own, the same ones whenever the loop comes again, so that it finds in its
 * cache what it left there; one that is done helps the others. */
typedef struct share {
  adze_parallel_body body;
  void *argument;
  size_t count, grain, pieces;
  size_t threads;
  atomic_size_t next[MOST];
} share;

static size_t
end_of (const share *s, size_t thread)
{
  return s->pieces * (thread + 1) / s->threads;
}

static void
do_pieces_of (share *s, size_t thread)
{
  for (;;) {
    size_t piece = atomic_fetch_add_explicit (&s->next[thread], 1, memory_order_relaxed);
    if (piece >= end_of (s, thread))
      return;
    size_t first = piece * s->grain;
    size_t last = s->count - first < s->grain ? s->count : first + s->grain;
    s->body (s->argument, first, last);
  }
}

static void
do_share (void *argument)
{
  share *s = argument;
  size_t own = (size_t)omp_get_thread_num ();
  for (size_t i = 0; i < s->threads; i++)
    do_pieces_of (s, (own + i) % s->threads);
}

void
onednn_share (size_t count, size_t grain, adze_parallel_body body, void *argument)
{
  size_t threads = (size_t)omp_get_max_threads ();
  share s = { .body = body, .argument = argument, .count = count, .grain = grain > 0 ? grain : 1 };
  s.pieces = (count + s.grain - 1) / s.grain;
  s.threads = threads < MOST ? threads : MOST;
  if (s.threads > s.pieces)
    s.threads = s.pieces;
  for (size_t i = 0; i < s.threads; i++)
    atomic_init (&s.next[i], s.pieces * i / s.threads);
  if (s.threads == 1)
    do_pieces_of (&s, 0);
  else if (s.threads > 1)
    GOMP_parallel (do_share, &s, (unsigned)s.threads, 0);
}
