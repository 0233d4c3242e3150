/* SPDX-License-Identifier: Apache-2.0 */
/* plugin/host_table.h: the table that a plugin is handed, and whose it is.
 *
 * Every instance of a component has a desk of its own: the table it was given, who it is, what it
 * has reported, what memory it holds. A callback is bracketed by adze_desk_enter and
 * adze_desk_leave, so that the host knows on which threads the component may ask for services,
 * and collects what it said about a failure.
 */
#ifndef ADZE_PLUGIN_HOST_TABLE_H
#define ADZE_PLUGIN_HOST_TABLE_H

#include <adze/host_table.h>

#include "base/event.h"
#include "base/parallel.h"
#include "plugin/profile.h"

typedef struct adze_desk adze_desk;

typedef struct adze_desk_options {
  const adze_profile *profile;
  adze_event_bus *bus;   /* NULL: events and log lines go nowhere */
  adze_pool *pool;
  /* The table of a service by id, or NULL: adze_service_find of plugin/services.h, or one that knows
   * more. BARE: only those without which no plugin can work. */
  const void *(*services) (const char *id, bool bare);
  const char *source; /* the component's id */
  uint64_t seed;
  void *own; /* for foreign components: adze_desk_own */
  void *keeper; /* of whoever opened it, for services of its own: adze_desk_keeper */
} adze_desk_options;

ADZE_MUST_CHECK adze_error *adze_desk_open (const adze_desk_options *options, adze_desk **desk);
void adze_desk_close (adze_desk *desk);

/* What to hand to the plugin; and from a table back to what is behind it. */
const adze_host *adze_desk_table (adze_desk *desk);
adze_desk *adze_desk_of (const adze_host *host);
void *adze_desk_own (const adze_desk *desk);
void *adze_desk_keeper (const adze_desk *desk);
adze_event_bus *adze_desk_bus (const adze_desk *desk);
adze_pool *adze_desk_pool (const adze_desk *desk);
const char *adze_desk_source (const adze_desk *desk);
uint64_t adze_desk_seed (const adze_desk *desk);

/* One callback on one thread; lives on the stack of whoever makes it. */
typedef struct adze_desk_frame adze_desk_frame;
struct adze_desk_frame {
  adze_desk *desk;
  adze_desk_frame *outer; /* a callback that this one is made from, of another component */
  adze_desk_frame *owner; /* where reasons are kept: itself, or the callback that a parallel body
                             belongs to */
  adze_error *reasons;
  adze_error *broken;
  unsigned phase; /* which callback it is, in numbers of the caller's own */
  void *context;  /* and what it works on */
};

/* Around every callback, on the thread that makes it. Leave turns STATUS, and what was pushed or
 * broken in between, into an error: "CALLBACK of 'SOURCE' failed because ...". A failure without a
 * reason, and a number that is no status, are said to be just that. */
void adze_desk_enter (adze_desk *desk, adze_desk_frame *frame);
ADZE_MUST_CHECK adze_error *adze_desk_leave (adze_desk_frame *frame, const char *callback,
                                             adze_status status);

/* For callbacks that cannot fail, such as destroy: a rule that was broken becomes a stray. */
void adze_desk_leave_void (adze_desk_frame *frame, const char *callback);

/* A rule that the plugin has broken: the callback that this thread is inside fails with
 * ADZE_E_CONTRACT and this text, whatever it returns. The first one is kept. */
ADZE_PRINTF (1, 2) void adze_desk_broken (const char *format, ...);

/* Is this thread inside a callback of the desk? Says no otherwise, and where the profile watches
 * threads, that FUNCTION broke the rule. */
bool adze_desk_inside (adze_desk *desk, const char *function);

/* The phase of the desk's callback that this thread is inside; 0: none. */
unsigned adze_desk_phase (const adze_desk *desk);
/* And its context; NULL: none. */
void *adze_desk_context (const adze_desk *desk);

/* A reason from the plugin for the callback that this thread is inside. */
void adze_desk_reason (adze_desk *desk, adze_status status, const char *message);

/* The same with an error that has facts, which stay with it. Takes ERROR over; returns its status,
 * for a service to hand to the plugin. */
adze_status adze_desk_fail (adze_desk *desk, adze_error *error);

/* Hooks that make the threads of a pool count as inside the callback this thread is in. */
adze_pool_hooks adze_desk_hooks (adze_desk *desk);

/* The first rule broken where no callback could fail for it: on a thread that is inside none, or in
 * one that returns nothing. Kept until asked for; NULL when none. */
adze_error *adze_desk_strays (adze_desk *desk);

/* Memory that was asked for through the table: how often, and how many bytes were not given back. */
uint64_t adze_desk_allocations (const adze_desk *desk);
uint64_t adze_desk_outstanding (const adze_desk *desk);

/* Once the instance is gone: strays, or memory that was not given back; NULL when all is well. */
ADZE_MUST_CHECK adze_error *adze_desk_audit (adze_desk *desk);

/* A create that failed leaves nothing to destroy, so what it holds is lost: in a host that watches
 * that takes the place of FAILURE, which is otherwise given back. */
ADZE_MUST_CHECK adze_error *adze_desk_after_create (adze_desk *desk, adze_error *failure);

#endif
