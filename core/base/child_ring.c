/* SPDX-License-Identifier: Apache-2.0 */
/* base/child_ring.c: what a process and its child say to each other: messages over the socket,
 * bulk data through the ring. Neither end trusts what the other sends. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/child_private.h"

typedef enum frame_type {
  FRAME_MESSAGE = 1, /* SIZE bytes follow */
  FRAME_DATA,        /* the sender's next slot holds SIZE bytes */
  FRAME_EMPTIED      /* the receiver's oldest full slot is free again; SIZE is 0 */
} frame_type;

typedef struct ring_frame {
  uint32_t type;
  uint32_t size;
} ring_frame;

/* Messages arrive in parts of this size: memory is taken for what came, not for what was said. */
#define MESSAGE_PART 16384u

/* ---- The socket. */

static adze_error *
timed_out (const adze_child *child)
{
  return adze_error_new (ADZE_E_TIMEOUT, "%s gave no answer within %lld ms", child->name,
                         (long long)child->deadline_ms);
}

/* How long poll may wait: -1 without a deadline, 0 when it has passed. */
static int
time_left_ms (const adze_child *child)
{
  if (child->deadline_ns == ADZE_CHILD_NEVER)
    return -1;
  int64_t left = child->deadline_ns - adze_child_clock_ns ();
  if (left <= 0)
    return 0;
  /* Rounded up: with 0 it would spin through the last millisecond. */
  int64_t milliseconds = (left - 1) / 1000000 + 1;
  return milliseconds < INT_MAX ? (int)milliseconds : INT_MAX;
}

/* Waits until the socket is ready for EVENTS, the deadline passes or the child ends. The pidfd is
 * looked at too because the socket alone does not tell: a process that the child has left behind
 * may hold it open. */
static adze_error *
await_socket (adze_child *child, short events)
{
  struct pollfd ends[] = {
    { .fd = child->socket, .events = events },
    { .fd = child->pidfd, .events = POLLIN },
  };
  if (poll (ends, ADZE_COUNT_OF (ends), time_left_ms (child)) < 0 && errno != EINTR)
    return adze_error_errno ("cannot wait for %s", child->name);
  if (ends[1].revents)
    child->seen_ended = true;
  return NULL;
}

/* A transfer of nothing: may it be tried again? */
static adze_error *
after_failure (adze_child *child, int number, short events)
{
  switch (number) {
  case EINTR:
    return NULL;
  case EAGAIN:
    /* What it had sent before it ended has been read by now. */
    return child->seen_ended ? adze_child_gone (child) : await_socket (child, events);
  case EPIPE:
  case ECONNRESET:
    return adze_child_gone (child);
  default:
    errno = number;
    return adze_error_errno ("cannot talk to %s", child->name);
  }
}

/* The deadline is looked at before each transfer: otherwise an end that always has one more byte
 * to give would never be too late. */
static adze_error *
write_bytes (adze_child *child, const void *bytes, size_t size)
{
  const char *at = bytes;
  while (size > 0) {
    if (time_left_ms (child) == 0)
      return timed_out (child);
    ssize_t sent = send (child->socket, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0) {
      ADZE_TRY (after_failure (child, errno, POLLOUT));
      continue;
    }
    at += sent;
    size -= (size_t)sent;
  }
  return NULL;
}

/* Waits until something has come, and takes of it what there is, SIZE bytes at most. An answer is
 * rarely there when it is looked for, so waiting comes first. The child may sleep in recv: its parent
 * has no processes that would hold the socket open, and it knows no deadline. */
static adze_error *
read_some (adze_child *child, void *bytes, size_t size, size_t *taken)
{
  const bool patient = child->pid == 0 && child->deadline_ns == ADZE_CHILD_NEVER;
  for (;;) {
    if (time_left_ms (child) == 0)
      return timed_out (child);
    if (!patient)
      ADZE_TRY (await_socket (child, POLLIN));
    /* recv, not recvmsg: descriptors that the other end tries to push on us are dropped. */
    ssize_t got = recv (child->socket, bytes, size, patient ? 0 : MSG_DONTWAIT);
    if (got == 0)
      return adze_child_gone (child);
    if (got > 0) {
      *taken = (size_t)got;
      return NULL;
    }
    ADZE_TRY (after_failure (child, errno, POLLIN));
  }
}

static size_t
take_early (adze_child *child, void *bytes, size_t size)
{
  size_t left = child->early_end - child->early_at;
  size_t part = size < left ? size : left;
  memcpy (bytes, child->early + child->early_at, part);
  child->early_at += part;
  return part;
}

static adze_error *
read_bytes (adze_child *child, void *bytes, size_t size)
{
  unsigned char *at = bytes;
  size_t part = take_early (child, at, size);
  for (at += part, size -= part; size > 0; at += part, size -= part) {
    if (size >= sizeof child->early) {
      ADZE_TRY (read_some (child, at, size, &part));
      continue;
    }
    child->early_at = 0;
    child->early_end = 0;
    ADZE_TRY (read_some (child, child->early, sizeof child->early, &child->early_end));
    part = take_early (child, at, size);
  }
  return NULL;
}

/* ---- Frames. */

static adze_error *
write_frame (adze_child *child, frame_type type, size_t size)
{
  ring_frame frame = { .type = type, .size = (uint32_t)size };
  return write_bytes (child, &frame, sizeof frame);
}

static const char *
frame_name (frame_type type)
{
  switch (type) {
  case FRAME_MESSAGE:
    return "a message";
  case FRAME_DATA:
    return "data";
  case FRAME_EMPTIED:
    break;
  }
  return "the release of a slot";
}

static adze_error *
broken_protocol (const adze_child *child, const ring_frame *found, const char *needed)
{
  adze_error *error = adze_error_new (
      ADZE_E_FORMAT,
      "%s does not keep to the protocol: it sent a frame of type %u and size %u where %s was "
      "needed; nothing but adze may write to its descriptor 3",
      child->name, found->type, found->size, needed);
  adze_error_setf (error, "found", "type %u, size %u", found->type, found->size);
  adze_error_set (error, "needed", needed);
  return error;
}

/* The next frame, which must be of type WANTED. Slots that were emptied are noted on the way:
 * word of them arrives whenever the other end gets to it. */
static adze_error *
read_frame (adze_child *child, frame_type wanted, ring_frame *frame)
{
  for (;;) {
    ADZE_TRY (read_bytes (child, frame, sizeof *frame));
    if (frame->type == FRAME_EMPTIED) {
      if (frame->size != 0 || child->slots_full == 0)
        return broken_protocol (child, frame, frame_name (wanted));
      child->slots_full--;
      if (wanted == FRAME_EMPTIED)
        return NULL;
      continue;
    }
    if (frame->type != wanted)
      return broken_protocol (child, frame, frame_name (wanted));
    return NULL;
  }
}

/* ---- Messages. */

static adze_error *
send_message (adze_child *child, const void *message, size_t size)
{
  unsigned char together[ADZE_CHILD_SHORT];
  ring_frame frame = { .type = FRAME_MESSAGE, .size = (uint32_t)size };
  if (size > sizeof together - sizeof frame) {
    ADZE_TRY (write_bytes (child, &frame, sizeof frame));
    return write_bytes (child, message, size);
  }
  memcpy (together, &frame, sizeof frame);
  if (size > 0)
    memcpy (together + sizeof frame, message, size);
  return write_bytes (child, together, sizeof frame + size);
}

static adze_error *
receive_message (adze_child *child, adze_buffer *message)
{
  ring_frame frame;
  ADZE_TRY (read_frame (child, FRAME_MESSAGE, &frame));
  if (frame.size > ADZE_MESSAGE_MAX)
    return broken_protocol (child, &frame, "a message of at most 64 MiB");
  char part[MESSAGE_PART];
  for (size_t left = frame.size; left > 0;) {
    size_t size = left < sizeof part ? left : sizeof part;
    ADZE_TRY (read_bytes (child, part, size));
    adze_buffer_add (message, part, size);
    left -= size;
  }
  return message->failed ? adze_error_memory () : NULL;
}

/* ---- Data. */

/* The parent puts into lane 0 and takes from lane 1, the child the other way round. */
static unsigned char *
slot_to_put (const adze_child *child)
{
  size_t lane = child->pid > 0 ? 0 : 1;
  return child->ring + ADZE_AREA_SIZE + lane * ADZE_LANE_SIZE + child->slots_put % ADZE_SLOTS * ADZE_SLOT_SIZE;
}

static const unsigned char *
slot_to_take (const adze_child *child)
{
  size_t lane = child->pid > 0 ? 1 : 0;
  return child->ring + ADZE_AREA_SIZE + lane * ADZE_LANE_SIZE + child->slots_taken % ADZE_SLOTS * ADZE_SLOT_SIZE;
}

static adze_error *
put_data (adze_child *child, const unsigned char *data, size_t size)
{
  while (size > 0) {
    ring_frame emptied;
    if (child->slots_full == ADZE_SLOTS)
      ADZE_TRY (read_frame (child, FRAME_EMPTIED, &emptied));
    size_t part = size < ADZE_SLOT_SIZE ? size : ADZE_SLOT_SIZE;
    memcpy (slot_to_put (child), data, part);
    child->slots_put++;
    child->slots_full++;
    ADZE_TRY (write_frame (child, FRAME_DATA, part));
    data += part;
    size -= part;
  }
  return NULL;
}

static adze_error *
take_data (adze_child *child, unsigned char *data, size_t size)
{
  while (size > 0) {
    ring_frame frame;
    ADZE_TRY (read_frame (child, FRAME_DATA, &frame));
    size_t part = size < ADZE_SLOT_SIZE ? size : ADZE_SLOT_SIZE;
    if (frame.size != part)
      return broken_protocol (child, &frame, "as much data as was agreed");
    if (data)
      memcpy (data, slot_to_take (child), part);
    child->slots_taken++;
    ADZE_TRY (write_frame (child, FRAME_EMPTIED, 0));
    data = data ? data + part : NULL;
    size -= part;
  }
  return NULL;
}

/* ---- The public calls. */

/* After a failure half a frame may lie in the socket, and going on would read garbage. */
static adze_error *
settle (adze_child *child, adze_error *error)
{
  if (error)
    child->over = adze_error_copy (error);
  return error;
}

adze_error *
adze_child_send (adze_child *child, const void *message, size_t size)
{
  if (size > ADZE_MESSAGE_MAX)
    return adze_error_new (ADZE_E_LIMIT, "a message of %zu bytes is too long to be sent to %s; "
                           "at most %u bytes are possible", size, child->name, ADZE_MESSAGE_MAX);
  if (child->over)
    return adze_error_copy (child->over);
  return settle (child, send_message (child, message, size));
}

adze_error *
adze_child_receive (adze_child *child, adze_buffer *message)
{
  adze_buffer_cleanup (message);
  if (child->over)
    return adze_error_copy (child->over);
  adze_error *error = settle (child, receive_message (child, message));
  /* Half a message is none. */
  if (error)
    adze_buffer_cleanup (message);
  return error;
}

adze_error *
adze_child_put (adze_child *child, const void *data, size_t size)
{
  if (child->over)
    return adze_error_copy (child->over);
  return settle (child, put_data (child, data, size));
}

adze_error *
adze_child_take (adze_child *child, void *data, size_t size)
{
  if (child->over)
    return adze_error_copy (child->over);
  return settle (child, take_data (child, data, size));
}

/* ---- Several children. */

/* Takes what has come, and waits for nothing. *READY: a frame that is not the release of a slot; of those there may be
 * some with nothing behind them for a long time. */
static adze_error *
look (adze_child *child, bool *ready)
{
  ring_frame frame;
  for (*ready = false; !*ready;) {
    size_t left = child->early_end - child->early_at;
    if (left >= sizeof frame) {
      memcpy (&frame, child->early + child->early_at, sizeof frame);
      *ready = frame.type != FRAME_EMPTIED;
      if (!*ready)
        ADZE_TRY (read_frame (child, FRAME_EMPTIED, &frame));
      continue;
    }
    memmove (child->early, child->early + child->early_at, left);
    child->early_at = 0;
    child->early_end = left;
    ssize_t got = recv (child->socket, child->early + left, sizeof child->early - left, MSG_DONTWAIT);
    if (got > 0)
      child->early_end += (size_t)got;
    else if (got == 0 || errno == ECONNRESET || (errno == EAGAIN && child->seen_ended))
      return adze_child_gone (child);
    else if (errno == EAGAIN)
      return time_left_ms (child) == 0 ? timed_out (child) : NULL;
    else if (errno != EINTR)
      return adze_error_errno ("cannot talk to %s", child->name);
  }
  return NULL;
}

/* *FOUND: one has something to say, and be it that it has ended. */
static void
look_at_all (adze_child *const *children, size_t count, size_t *which, bool *found)
{
  const size_t first = *which;
  *found = false;
  for (size_t i = 0; i < count && !*found; i++) {
    *which = (first + i) % count;
    adze_child *child = children[*which];
    /* What went wrong is said by the next call on it. */
    if (!child->over)
      adze_error_free (settle (child, look (child, found)));
    *found = *found || child->over;
  }
}

static adze_error *
await_any (adze_child *const *children, size_t count, struct pollfd *ends)
{
  int limit = -1;
  for (size_t i = 0; i < count; i++) {
    int left = time_left_ms (children[i]);
    ends[2 * i] = (struct pollfd){ .fd = children[i]->socket, .events = POLLIN };
    ends[2 * i + 1] = (struct pollfd){ .fd = children[i]->pidfd, .events = POLLIN };
    limit = left >= 0 && (limit < 0 || left < limit) ? left : limit;
  }
  if (poll (ends, 2 * count, limit) < 0) {
    if (errno != EINTR)
      return adze_error_errno ("cannot wait for %zu processes", count);
    return NULL; /* what ENDS says is nothing then */
  }
  for (size_t i = 0; i < count; i++)
    if (ends[2 * i + 1].revents)
      children[i]->seen_ended = true;
  return NULL;
}

adze_error *
adze_child_await (adze_child *const *children, size_t count, size_t *which)
{
  ADZE_AUTO_FREE struct pollfd *ends = calloc (2 * count, sizeof *ends);
  if (!ends)
    return adze_error_memory ();
  for (;;) {
    bool found;
    look_at_all (children, count, which, &found);
    if (found)
      return NULL;
    ADZE_TRY (await_any (children, count, ends));
  }
}
