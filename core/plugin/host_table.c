/* SPDX-License-Identifier: Apache-2.0 */
/* The desk of a component: its table, its frames, its memory. */
#include "plugin/host_table.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include <adze/error.h>

struct adze_desk {
  adze_host table; /* first, so that a shorter table can be handed over by its size alone */
  adze_profile profile;
  adze_event_bus *bus;
  adze_pool *pool;
  char *source;
  uint64_t seed;
  const void *(*services) (const char *id, bool bare);
  void *own;
  void *keeper;
  atomic_uint_least64_t allocations;
  atomic_uint_least64_t outstanding;
  pthread_mutex_t lock; /* guards the frames' reasons, strays and released */
  adze_error *strays;
  struct block_head *released;
};

/* The callbacks that this thread is inside, innermost first. */
static _Thread_local adze_desk_frame *innermost;

/* ---- Memory. A block is preceded by what is needed to count it back in. */

enum { ALIGNMENT = 64 };
static const uint64_t block_mark = UINT64_C (0xadce0b10c0adce0b);

typedef struct block_head block_head;
struct block_head {
  uint64_t mark;
  uint64_t size;
  block_head *next; /* released before this one; of a host that watches */
};

static void *
table_allocate (const adze_host *host, size_t size)
{
  adze_desk *desk = host->opaque;
  uint64_t number = atomic_fetch_add (&desk->allocations, 1) + 1;
  if (desk->profile.fail_allocation > 0 && number == (uint64_t)desk->profile.fail_allocation)
    return NULL;
  if (size > SIZE_MAX / 2)
    return NULL;
  size_t whole = ALIGNMENT + (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  char *memory = aligned_alloc (ALIGNMENT, whole);
  if (!memory)
    return NULL;
  memset (memory, 0, whole);
  block_head *head = (block_head *)memory;
  head->mark = block_mark;
  head->size = size;
  atomic_fetch_add (&desk->outstanding, size);
  return memory + ALIGNMENT;
}

/* A host that watches lets nobody have the memory again while the desk is open: that a block is
 * released twice can be seen only as long as it is still the same block. */
static void
keep_released (adze_desk *desk, block_head *head)
{
  pthread_mutex_lock (&desk->lock);
  head->next = desk->released;
  desk->released = head;
  pthread_mutex_unlock (&desk->lock);
}

static void
table_release (const adze_host *host, void *memory)
{
  adze_desk *desk = host->opaque;
  if (!memory)
    return;
  block_head *head = (block_head *)((char *)memory - ALIGNMENT);
  if (head->mark != block_mark) {
    adze_desk_broken ("it released memory that it did not get from allocate, or released it twice");
    return;
  }
  head->mark = 0;
  atomic_fetch_sub (&desk->outstanding, head->size);
  if (desk->profile.watch_threads)
    keep_released (desk, head);
  else
    free (head);
}

/* ---- Life. */

static const void *
table_service (const adze_host *host, const char *id)
{
  adze_desk *desk = host->opaque;
  if (!id)
    return NULL;
  return desk->services (id, desk->profile.without_services);
}

static void
fill_table (adze_desk *desk)
{
  desk->table.struct_size = desk->profile.host_size;
  desk->table.abi_major = desk->profile.abi_major;
  desk->table.abi_minor = desk->profile.abi_minor;
  desk->table.name = "adze";
  desk->table.version = adze_version ();
  desk->table.opaque = desk;
  desk->table.service = table_service;
  desk->table.allocate = table_allocate;
  desk->table.release = table_release;
  /* What an older host's table does not have must not be found behind its end. */
  if (desk->profile.host_size < sizeof desk->table)
    memset ((char *)&desk->table + desk->profile.host_size, 0,
            sizeof desk->table - desk->profile.host_size);
}

adze_error *
adze_desk_open (const adze_desk_options *options, adze_desk **desk)
{
  adze_desk *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  fresh->profile = options->profile ? *options->profile : adze_profile_everyday;
  fresh->bus = options->bus;
  fresh->pool = options->pool;
  fresh->seed = options->seed;
  fresh->services = options->services;
  fresh->own = options->own;
  fresh->keeper = options->keeper;
  fresh->source = strdup (options->source);
  pthread_mutex_init (&fresh->lock, NULL);
  fill_table (fresh);
  if (!fresh->source) {
    adze_desk_close (fresh);
    return adze_error_memory ();
  }
  *desk = fresh;
  return NULL;
}

void
adze_desk_close (adze_desk *desk)
{
  if (!desk)
    return;
  while (desk->released) {
    block_head *next = desk->released->next;
    free (desk->released);
    desk->released = next;
  }
  adze_error_free (desk->strays);
  pthread_mutex_destroy (&desk->lock);
  free (desk->source);
  free (desk);
}

const adze_host *
adze_desk_table (adze_desk *desk)
{
  return &desk->table;
}

adze_desk *
adze_desk_of (const adze_host *host)
{
  return host->opaque;
}

void *
adze_desk_own (const adze_desk *desk)
{
  return desk->own;
}

void *
adze_desk_keeper (const adze_desk *desk)
{
  return desk->keeper;
}

adze_event_bus *
adze_desk_bus (const adze_desk *desk)
{
  return desk->bus;
}

adze_pool *
adze_desk_pool (const adze_desk *desk)
{
  return desk->pool;
}

const char *
adze_desk_source (const adze_desk *desk)
{
  return desk->source;
}

uint64_t
adze_desk_seed (const adze_desk *desk)
{
  return desk->seed;
}

uint64_t
adze_desk_allocations (const adze_desk *desk)
{
  return atomic_load (&desk->allocations);
}

uint64_t
adze_desk_outstanding (const adze_desk *desk)
{
  return atomic_load (&desk->outstanding);
}

/* ---- Frames. */

void
adze_desk_enter (adze_desk *desk, adze_desk_frame *frame)
{
  *frame = (adze_desk_frame){ .desk = desk, .outer = innermost, .owner = frame };
  innermost = frame;
}

/* The frame of the desk that this thread is inside, or NULL. */
static adze_desk_frame *
frame_of (const adze_desk *desk)
{
  for (adze_desk_frame *frame = innermost; frame; frame = frame->outer)
    if (frame->desk == desk)
      return frame->owner;
  return NULL;
}

unsigned
adze_desk_phase (const adze_desk *desk)
{
  const adze_desk_frame *frame = frame_of (desk);
  return frame ? frame->phase : 0;
}

void *
adze_desk_context (const adze_desk *desk)
{
  const adze_desk_frame *frame = frame_of (desk);
  return frame ? frame->context : NULL;
}

static const char *
status_words (adze_status status, char *text, size_t size)
{
  if (status == ADZE_E_CANCELLED)
    return "it was stopped";
  if (status > ADZE_OK && status <= ADZE_E_INTERNAL)
    snprintf (text, size, "it returned status %d and gave no reason", (int)status);
  else
    snprintf (text, size, "it returned %d, which is no status", (int)status);
  return text;
}

adze_error *
adze_desk_leave (adze_desk_frame *frame, const char *callback, adze_status status)
{
  const char *source = frame->desk->source;
  char words[80];
  innermost = frame->outer;
  if (frame->broken) {
    adze_error_free (frame->reasons);
    return adze_error_wrap (frame->broken, "%s of '%s' broke the contract", callback, source);
  }
  if (status == ADZE_OK) {
    adze_error_free (frame->reasons);
    return NULL;
  }
  bool known = status > ADZE_OK && status <= ADZE_E_INTERNAL;
  if (!frame->reasons) {
    frame->reasons = adze_error_new (known ? status : ADZE_E_INTERNAL, "%s",
                                     status_words (status, words, sizeof words));
    if (status != ADZE_E_CANCELLED)
      adze_error_set (frame->reasons, "reason", "none");
  }
  return adze_error_wrap (frame->reasons, "%s of '%s' failed", callback, source);
}

/* Takes BROKEN over; the first one is kept. */
static void
keep_stray (adze_desk *desk, adze_error *broken)
{
  pthread_mutex_lock (&desk->lock);
  if (desk->strays)
    adze_error_free (broken);
  else
    desk->strays = broken;
  pthread_mutex_unlock (&desk->lock);
}

void
adze_desk_leave_void (adze_desk_frame *frame, const char *callback)
{
  adze_desk *desk = frame->desk;
  adze_error *broken = adze_desk_leave (frame, callback, ADZE_OK);
  if (broken)
    keep_stray (desk, broken);
}

/* The bodies of adze.parallel run on threads of the pool, which then count as inside the callback
 * that asked for them. A thread can be inside several at once only when components call each
 * other through the host; that never nests deeper than a few. */
enum { BODY_DEPTH = 8 };
static _Thread_local adze_desk_frame body_frames[BODY_DEPTH];
static _Thread_local unsigned body_depth;

static void
body_enter (void *context)
{
  adze_desk_frame *owner = context;
  if (body_depth++ >= BODY_DEPTH)
    return;
  adze_desk_frame *frame = &body_frames[body_depth - 1];
  *frame = (adze_desk_frame){ .desk = owner->desk, .outer = innermost, .owner = owner };
  innermost = frame;
}

static void
body_leave (void *context)
{
  (void)context;
  if (--body_depth < BODY_DEPTH)
    innermost = body_frames[body_depth].outer;
}

adze_pool_hooks
adze_desk_hooks (adze_desk *desk)
{
  adze_desk_frame *owner = frame_of (desk);
  if (!owner)
    return (adze_pool_hooks){ .enter = NULL };
  return (adze_pool_hooks){ .enter = body_enter, .leave = body_leave, .context = owner };
}

/* ---- What a plugin said, and what it must not do. */

ADZE_PRINTF (2, 3)
static void
stray (adze_desk *desk, const char *format, ...)
{
  char text[512];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  keep_stray (desk, adze_error_new (ADZE_E_CONTRACT, "'%s' broke the contract: %s", desk->source,
                                    text));
}

void
adze_desk_reason (adze_desk *desk, adze_status status, const char *message)
{
  adze_desk_frame *frame = frame_of (desk);
  if (!frame) {
    stray (desk, ADZE_ERROR " push was called outside a callback, with the reason: %s",
                     message);
    return;
  }
  if (status <= ADZE_OK || status > ADZE_E_INTERNAL)
    status = ADZE_E_INTERNAL;
  pthread_mutex_lock (&desk->lock);
  if (frame->reasons)
    frame->reasons = adze_error_wrap (frame->reasons, "%s", message);
  else
    frame->reasons = adze_error_new (status, "%s", message);
  pthread_mutex_unlock (&desk->lock);
}

/* The message and facts of ERROR in front of REASONS, which are its causes. Takes REASONS over. */
static adze_error *
put_in_front (adze_error *reasons, const adze_error *error)
{
  adze_error *whole = adze_error_wrap (reasons, "%s", adze_error_message (error));
  const char *name, *value;
  for (size_t i = 0; adze_error_fact_at (error, i, &name, &value); i++)
    adze_error_set (whole, name, value);
  return whole;
}

adze_status
adze_desk_fail (adze_desk *desk, adze_error *error)
{
  adze_status status = adze_error_status (error);
  adze_desk_frame *frame = frame_of (desk);
  if (!frame) {
    stray (desk, "a service failed outside a callback: %s", adze_error_message (error));
    adze_error_free (error);
    return status;
  }
  pthread_mutex_lock (&desk->lock);
  if (!frame->reasons) {
    frame->reasons = error;
    error = NULL;
  } else {
    frame->reasons = put_in_front (frame->reasons, error);
  }
  pthread_mutex_unlock (&desk->lock);
  adze_error_free (error);
  return status;
}

void
adze_desk_broken (const char *format, ...)
{
  char text[512];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (text, sizeof text, format, arguments);
  va_end (arguments);
  if (!innermost)
    return;
  adze_desk_frame *frame = innermost->owner;
  pthread_mutex_lock (&frame->desk->lock);
  if (!frame->broken)
    frame->broken = adze_error_new (ADZE_E_CONTRACT, "%s", text);
  pthread_mutex_unlock (&frame->desk->lock);
}

adze_error *
adze_desk_strays (adze_desk *desk)
{
  pthread_mutex_lock (&desk->lock);
  adze_error *strays = adze_take (&desk->strays);
  pthread_mutex_unlock (&desk->lock);
  return strays;
}

adze_error *
adze_desk_audit (adze_desk *desk)
{
  adze_error *strays = adze_desk_strays (desk);
  uint64_t kept = adze_desk_outstanding (desk);
  if (strays || kept == 0)
    return strays;
  return adze_error_new (ADZE_E_CONTRACT,
                         "'%s' did not release %llu bytes that it got from allocate", desk->source,
                         (unsigned long long)kept);
}

adze_error *
adze_desk_after_create (adze_desk *desk, adze_error *failure)
{
  adze_error *broken = desk->profile.watch_threads ? adze_desk_audit (desk) : NULL;
  if (!broken)
    return failure;
  adze_error_free (failure);
  return adze_error_wrap (broken, "create of '%s' failed and broke the contract", desk->source);
}

bool
adze_desk_inside (adze_desk *desk, const char *function)
{
  if (frame_of (desk))
    return true;
  if (desk->profile.watch_threads)
    stray (desk, "%s is tagged [callback] and was called outside one", function);
  return false;
}
