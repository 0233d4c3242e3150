/* SPDX-License-Identifier: Apache-2.0 */
/* The asking side of a worker. */
#include "plugin/worker_client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error_wire.h"
#include "base/event_wire.h"
#include "base/json.h"

struct adze_worker {
  adze_child *child;
  adze_event_bus *bus;
  bool (*keep) (void *context, const adze_event *event);
  void *keep_context;
  adze_worker_answerer answer;
  void *answer_context;
  bool answered;
  char progress[160];
};

adze_error *
adze_worker_start (const char *program, adze_event_bus *bus, bool quiet, adze_worker **worker)
{
  static const char *const argv[] = { "adze-worker", "--adze-worker", NULL };
  adze_worker *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  fresh->bus = bus;
  adze_child_options options = { .program = program, .argv = argv, .quiet = quiet };
  adze_error *error = adze_child_spawn (&options, &fresh->child);
  if (error) {
    free (fresh);
    error = adze_error_wrap (error, "the worker %s cannot be started", program);
    if (access (program, X_OK) != 0)
      adze_error_set (error, "hint",
                      "reinstall adze, or name the worker program in adze_runtime_options.worker");
    return error;
  }
  *worker = fresh;
  return NULL;
}

void
adze_worker_stop (adze_worker *worker)
{
  if (!worker)
    return;
  adze_child_close (worker->child);
  free (worker);
}

void
adze_worker_filter (adze_worker *worker, bool (*keep) (void *context, const adze_event *event),
                    void *context)
{
  worker->keep = keep;
  worker->keep_context = context;
}

void
adze_worker_answer_with (adze_worker *worker, adze_worker_answerer answer, void *context)
{
  worker->answer = answer;
  worker->answer_context = context;
}

adze_child *
adze_worker_child (adze_worker *worker)
{
  return worker->child;
}

const char *
adze_worker_progress (const adze_worker *worker)
{
  return worker->progress;
}

static void
begin_request (adze_worker *worker, int64_t limit_ms)
{
  worker->progress[0] = '\0';
  worker->answered = false;
  adze_child_deadline (worker->child, limit_ms > 0 ? limit_ms : -1);
}

adze_error *
adze_worker_send (adze_worker *worker, const adze_value *request, int64_t limit_ms)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_json_write (request, 0, &text);
  if (text.failed)
    return adze_error_memory ();
  begin_request (worker, limit_ms);
  return adze_child_send (worker->child, text.data, text.size);
}

bool
adze_worker_answered (const adze_worker *worker)
{
  return worker->answered;
}

/* ---- What comes back. */

/* The worker's events become ours, with our time and our count. */
static adze_error *
pass_event (adze_worker *worker, const adze_value *value)
{
  adze_event event;
  ADZE_AUTO_FREE adze_field *fields = NULL;
  ADZE_TRY (adze_event_from_value (value, &event, &fields));
  if (worker->bus && (!worker->keep || worker->keep (worker->keep_context, &event)))
    adze_event_bus_emit (worker->bus, event.source, event.id, event.fields, event.field_count);
  return NULL;
}

static adze_error *
send_reply (adze_worker *worker, const adze_value *reply, const void *data, size_t size)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  if (adze_json_failed (reply))
    return adze_error_memory ();
  adze_json_write (reply, 0, &text);
  if (text.failed)
    return adze_error_memory ();
  ADZE_TRY (adze_child_send (worker->child, text.data, text.size));
  return adze_child_put (worker->child, data, size);
}

static adze_error *
answer_ask (adze_worker *worker, const adze_value *ask)
{
  ADZE_AUTO_VALUE reply = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_FREE void *data = NULL;
  size_t size = 0;
  bool broken = false;
  if (!worker->answer)
    return adze_error_new (ADZE_E_FORMAT, "the worker asked when it had no questions to ask");
  ADZE_AUTO_ERROR refusal = worker->answer (worker->answer_context, ask,
                                            adze_json_table (reply, "ok"), &data, &size, &broken);
  if (!refusal)
    return send_reply (worker, reply, data, size);
  if (broken)
    return adze_take (&refusal);
  ADZE_AUTO_VALUE no = adze_value_new (ADZE_VALUE_TABLE);
  adze_error_to_value (refusal, no, "error");
  return send_reply (worker, no, NULL, 0);
}

/* *DONE: this message was the answer. */
static adze_error *
take_message (adze_worker *worker, adze_document *message, bool *done)
{
  const adze_value *progress = adze_value_get (message->root, "progress");
  const adze_value *event = adze_value_get (message->root, "event");
  const adze_value *failure = adze_value_get (message->root, "error");
  const adze_value *ask = adze_value_get (message->root, "ask");
  *done = true;
  /* A failure that cannot be read comes from a worker that cannot be believed any more. */
  worker->answered = failure && failure->type == ADZE_VALUE_LIST && failure->count > 0;
  if (failure)
    return adze_error_from_value (failure);
  if (adze_value_get (message->root, "ok"))
    return NULL;
  *done = false;
  if (progress && progress->string)
    snprintf (worker->progress, sizeof worker->progress, "%s", progress->string);
  else if (event)
    return pass_event (worker, event);
  else if (ask)
    return answer_ask (worker, ask);
  else
    return adze_error_new (ADZE_E_FORMAT, "the worker answered what was not asked");
  return NULL;
}

static adze_error *
take_text (adze_worker *worker, const adze_buffer *text, adze_document *reply, bool *done)
{
  adze_document_cleanup (reply);
  ADZE_TRY (adze_json_parse ("<worker>", text->data ? text->data : "", text->size, reply));
  return take_message (worker, reply, done);
}

adze_error *
adze_worker_turn (adze_worker *worker, adze_document *reply, bool *done)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  *done = false;
  ADZE_TRY (adze_child_receive (worker->child, &text));
  return take_text (worker, &text, reply, done);
}

adze_error *
adze_worker_receive (adze_worker *worker, adze_document *reply)
{
  for (bool done = false; !done;)
    ADZE_TRY (adze_worker_turn (worker, reply, &done));
  return NULL;
}

/* *SOUND: TEXT says it of as many rooms as there are. */
static bool
read_given (const adze_buffer *text, char *given, size_t count, bool *sound)
{
  const size_t head = strlen (ADZE_WORKER_GIVEN);
  if (text->size < head || memcmp (text->data, ADZE_WORKER_GIVEN, head) != 0)
    return false;
  *sound = text->size == head + count && strspn (text->data + head, "01") == count;
  if (*sound)
    memcpy (given, text->data + head, count);
  return true;
}

adze_error *
adze_worker_again (adze_worker *worker, uint64_t first, size_t group, const char *name,
                   int64_t limit_ms, char *given, size_t count)
{
  char request[sizeof ADZE_WORKER_AGAIN + 2 * 21 + ADZE_WORKER_NAME_MOST];
  int size = name ? snprintf (request, sizeof request, ADZE_WORKER_AGAIN "%" PRIu64 " %zu %s", first,
                              group, name)
                  : snprintf (request, sizeof request, ADZE_WORKER_AGAIN "%" PRIu64, first);
  begin_request (worker, limit_ms);
  ADZE_TRY (adze_child_send (worker->child, request, (size_t)size));
  for (bool done = false, sound = true; !done;) {
    ADZE_AUTO (adze_buffer) text = { 0 };
    ADZE_AUTO (adze_document) message = { 0 };
    ADZE_TRY (adze_child_receive (worker->child, &text));
    if (read_given (&text, given, count, &sound) && sound)
      return NULL;
    if (sound)
      ADZE_TRY (take_text (worker, &text, &message, &done));
    done = done || !sound;
  }
  return adze_error_new (ADZE_E_FORMAT, "the worker answered what was not asked");
}

adze_error *
adze_worker_ask (adze_worker *worker, const adze_value *request, int64_t limit_ms,
                 adze_document *reply)
{
  ADZE_TRY (adze_worker_send (worker, request, limit_ms));
  return adze_worker_receive (worker, reply);
}
