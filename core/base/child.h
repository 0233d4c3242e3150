/* SPDX-License-Identifier: Apache-2.0 */
/* base/child.h: a child process to talk to. Messages go over a socket; bulk data through one
 * small mapped ring, both ways, or lies in an area of it that both can touch.
 *
 * Both ends use the same type: the parent spawns, the child attaches. The conversation is strictly
 * request and reply, so the two never wait for each other to read.
 */
#ifndef ADZE_BASE_CHILD_H
#define ADZE_BASE_CHILD_H

#include <sys/types.h>

#include "base/buffer.h"

typedef struct adze_child adze_child;

/* A message is at most this long; a longer one is a fault of the other end. */
#define ADZE_MESSAGE_MAX (64u << 20)

typedef struct adze_child_options {
  const char *program;     /* absolute */
  const char *const *argv; /* NULL-terminated, argv[0] included */
  bool quiet;              /* what it prints goes to /dev/null, else to our standard error */
} adze_child_options;

/* posix_spawn, never fork. The child finds the socket as descriptor 3 and the ring as 4; it has
 * no other descriptors of ours, dies with us, and is killed and reaped by close. Linux counts the
 * thread that spawned it as "us": the child must not be meant to outlive that thread.
 *
 * It leads a process group of its own, and all that is in it is killed once the child has ended or
 * is closed: what the child forked goes with it. Two kinds stay: processes that moved to another
 * group or session (setsid), and all of them when we ourselves are killed, since only the child
 * asked to die with us. The terminal's Ctrl-C reaches us and not the child, which dies because we
 * do. */
ADZE_MUST_CHECK adze_error *adze_child_spawn (const adze_child_options *options,
                                              adze_child **child);

/* In the child: takes descriptors 3 and 4 over. ADZE_E_CONTRACT when they are not what spawn
 * left there: the program was started by hand. */
ADZE_MUST_CHECK adze_error *adze_child_attach (adze_child **parent);

/* Kills a child that still lives, with its group, reaps it, frees all. */
void adze_child_close (adze_child *child);
static inline void
adze_child_cleanup (adze_child **child)
{
  if (*child)
    adze_child_close (*child);
}
#define ADZE_AUTO_CHILD __attribute__ ((cleanup (adze_child_cleanup))) adze_child *

pid_t adze_child_pid (const adze_child *child);

/* Each call on this end fails with ADZE_E_TIMEOUT once MILLISECONDS from now have passed, until
 * another deadline is set; negative: never. */
void adze_child_deadline (adze_child *child, int64_t milliseconds);

/* A message, whole. When the other end has gone: ADZE_E_CRASHED, and for a parent the message says
 * how the child ended ("was killed by signal 11 (Segmentation fault)", "exited with code 3 before
 * it answered"), with the facts "signal" or "exit-code". A child whose parent has gone gets
 * ADZE_E_IO. A peer that does not keep to the protocol: ADZE_E_FORMAT. After a failure the two
 * ends no longer agree where they are, so each further call fails with the same error; only a
 * message too long to be sent (ADZE_E_LIMIT) leaves things as they were. Receiving replaces what
 * MESSAGE held. */
ADZE_MUST_CHECK adze_error *adze_child_send (adze_child *child, const void *message, size_t size);
ADZE_MUST_CHECK adze_error *adze_child_receive (adze_child *child, adze_buffer *message);

/* Waits until one of COUNT children has sent a message that can be received, or has ended, or is too late, which the
 * next call on it will say. *WHICH it is; before, which one is looked at first. */
ADZE_MUST_CHECK adze_error *adze_child_await (adze_child *const *children, size_t count, size_t *which);

/* Memory that both ends see at once: what is where, and whose turn it is to touch it, they tell each
 * other in messages. The other end can write to it at any moment. */
#define ADZE_AREA_SIZE ((size_t)8 << 20)
void *adze_child_area (const adze_child *child, size_t *size);

/* Bulk data: what one end puts, the other takes, with the same size. Taken into NULL, it is
 * dropped. */
ADZE_MUST_CHECK adze_error *adze_child_put (adze_child *child, const void *data, size_t size);
ADZE_MUST_CHECK adze_error *adze_child_take (adze_child *child, void *data, size_t size);

#endif
