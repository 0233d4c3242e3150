/* SPDX-License-Identifier: Apache-2.0 */
/* base/child_private.h: what base/child.c (the process) and base/child_ring.c (the conversation)
 * share, and nobody else sees.
 *
 * Frames go over the socket: two numbers, and for a message its bytes. The ring holds nothing but
 * data. It is memory that the other end can write at any moment, so no size, place or state is
 * ever read from it.
 *
 *   ring:  the area, lane 0 (parent to child), lane 1 (child to parent)
 *   lane:  ADZE_SLOTS slots, filled and emptied in turn
 *   area:  whatever the two agree on in their messages
 */
#ifndef ADZE_BASE_CHILD_PRIVATE_H
#define ADZE_BASE_CHILD_PRIVATE_H

#include "base/child.h"

/* Two slots would do for filling one while the other is emptied; four ride out a late wake-up. */
#define ADZE_SLOTS 4u
#define ADZE_SLOT_SIZE ((size_t)128 << 10)
#define ADZE_LANE_SIZE (ADZE_SLOTS * ADZE_SLOT_SIZE)
#define ADZE_RING_SIZE (ADZE_AREA_SIZE + 2 * ADZE_LANE_SIZE)

#define ADZE_CHILD_NEVER INT64_MAX

/* Most messages are short: one call sends one, and one call receives it. */
#define ADZE_CHILD_SHORT 4096u

struct adze_child {
  char *name; /* of the other end, for messages */
  pid_t pid;  /* of the child; 0: we are the child */
  int socket;
  int pidfd;  /* readable once the child has ended; -1: the system has no such thing */
  unsigned char *ring;

  int64_t deadline_ns; /* on the monotonic clock; ADZE_CHILD_NEVER */
  int64_t deadline_ms; /* as it was asked for */
  adze_error *over;    /* the failure after which nothing works any more */

  /* Slots so far, and those of ours that the other end has not emptied yet. */
  uint64_t slots_put;
  uint64_t slots_taken;
  unsigned slots_full;

  /* What has come and was not asked for yet. */
  unsigned char early[ADZE_CHILD_SHORT];
  size_t early_at, early_end;

  bool seen_ended; /* pidfd said so; the socket may still hold what it sent before */
  bool ended;      /* and reaped: its pid may be somebody else's by now */
  bool end_known;  /* wait_status says how */
  int wait_status;
};

/* The other end has closed the socket: reaps the child, and says how it ended. */
ADZE_MUST_CHECK adze_error *adze_child_gone (adze_child *child);

int64_t adze_child_clock_ns (void);

#endif
