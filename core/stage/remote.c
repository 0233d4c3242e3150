/* SPDX-License-Identifier: Apache-2.0 */
/* A component in a worker: how it is opened, asked and ended. */
#include <string.h>

#include "base/event_wire.h"
#include "base/peak.h"
#include "stage/remote_private.h"

/* ---- What is passed on. */

static bool
keep_event (void *context, const adze_event *event)
{
  const adze_remote *remote = context;
  if (remote->replaying)
    return false;
  return !remote->aside || remote->applying || strcmp (event->id, "log") == 0
         || strcmp (event->id, ADZE_EVENT_FALLBACK) == 0;
}

/* ---- Opening. */

static adze_error *
open_request (const adze_remote_options *options, adze_value **request)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (table, "do", "open");
  adze_json_string (table, "path", options->path);
  adze_json_bool (table, "builtin", options->builtin);
  if (options->file) {
    char file[ADZE_IDENTITY_TEXT];
    adze_file_identity_text (options->file, file);
    adze_json_string (table, "file", file);
  }
  adze_json_string (table, "component", options->component);
  adze_json_string (table, "stage", options->stage);
  adze_json_int (table, "seed", (int64_t)options->seed);
  adze_json_int (table, "threads", (int64_t)options->threads);
  adze_json_int (table, "memory-limit", (int64_t)options->memory_limit);
  if (options->params) {
    adze_value *sets = adze_json_list (table, "params");
    for (size_t i = 0; i < options->variants; i++)
      adze_wire_params (options->params[i], sets, NULL);
  }
  if (options->beside) {
    adze_value *copy = adze_value_copy (options->beside);
    if (!copy)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (table, "beside", copy));
  }
  if (options->settings && !options->params) {
    adze_value *copy = adze_value_copy (options->settings);
    if (!copy)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (table, "settings", copy));
    if (options->folder)
      adze_json_string (table, "folder", options->folder);
  }
  if (adze_json_failed (table))
    return adze_error_memory ();
  *request = adze_take (&table);
  return NULL;
}

static adze_error *
settings_text (const adze_value *settings, char **text)
{
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  for (size_t i = 0; settings && i < settings->count; i++) {
    adze_buffer_format (&buffer, "%s%s = ", i ? ", " : "", settings->items[i]->key);
    adze_value_write_toml (settings->items[i], &buffer);
  }
  if (buffer.size == 0)
    adze_buffer_text (&buffer, "no parameters");
  return adze_buffer_finish (&buffer, text);
}

/* A list of texts behind those that WORDS has already, and NULL. */
static adze_error *
read_words (const adze_value *list, char **words, size_t *count)
{
  if (!list || list->type != ADZE_VALUE_LIST)
    return adze_wire_damaged ("a technique's table");
  for (size_t i = 0; i < list->count; i++)
    ADZE_TRY (adze_wire_text_from (list->items[i], &words[(*count)++], NULL));
  (*count)++;
  return NULL;
}

static adze_error *
read_facts (const adze_value *table, adze_remote *remote)
{
  uint64_t effect, grain, accumulate;
  size_t count = 0;
  const adze_value *preserves = adze_value_get (table, "preserves");
  const adze_value *breaks = adze_value_get (table, "breaks");
  const adze_value *keeps = adze_value_get (table, "keeps");
  if (!adze_wire_number (table, "effect", ADZE_INSPECTS, &effect)
      || !adze_wire_number (table, "grain", ADZE_GRAIN_ELEMENT, &grain)
      || !adze_wire_number (table, "accumulate", ADZE_OVER_GROUP, &accumulate) || !preserves
      || !breaks || !keeps || keeps->count % 2 != 0)
    return adze_wire_damaged ("a technique's table");
  remote->word_room = preserves->count + breaks->count + keeps->count + 3;
  remote->words = calloc (remote->word_room, sizeof *remote->words);
  if (!remote->words)
    return adze_error_memory ();
  ADZE_TRY (read_words (preserves, remote->words, &count));
  size_t middle = count;
  ADZE_TRY (read_words (breaks, remote->words, &count));
  size_t last = count;
  ADZE_TRY (read_words (keeps, remote->words, &count));
  remote->facts = (adze_instance_facts){
    .effect = (uint32_t)effect,
    .grain = (uint32_t)grain,
    .accumulate = (uint32_t)accumulate,
    .describes = adze_wire_truth (table, "describes"),
    .observes = adze_wire_truth (table, "observes"),
    .applies = adze_wire_truth (table, "applies"),
    .runs = adze_wire_truth (table, "runs"),
    .rehearses = adze_wire_truth (table, "rehearses"),
    .keeps_network = adze_wire_truth (table, "keeps-network"),
    .preserves = (const char *const *)remote->words,
    .breaks = (const char *const *)remote->words + middle,
    .keeps = (const char *const *)remote->words + last,
    .isolated = true,
    .parallel = true,
  };
  return NULL;
}

static adze_error *
start (adze_remote *remote, const adze_remote_options *options, const adze_value *request)
{
  ADZE_AUTO (adze_document) reply = { 0 };
  ADZE_TRY (adze_worker_start (options->worker, options->bus, false, &remote->worker));
  adze_worker_filter (remote->worker, keep_event, remote);
  remote->asked = true;
  remote->replaying = options->again;
  adze_error *error = adze_worker_ask (remote->worker, request, options->time_limit_ms, &reply);
  remote->replaying = false;
  if (!error && options->params)
    error = read_facts (adze_value_get (adze_value_get (reply.root, "ok"), "facts"), remote);
  return error ? adze_remote_explain (remote, "create", error) : NULL;
}

static adze_error *
open_parts (adze_remote *remote, const adze_remote_options *options)
{
  ADZE_AUTO_VALUE request = NULL;
  remote->bus = options->bus;
  remote->time_limit_ms = options->time_limit_ms;
  remote->memory_limit = options->memory_limit;
  remote->aside = options->aside;
  remote->component = strdup (options->component);
  remote->stage = strdup (options->stage ? options->stage : options->component);
  if (!remote->component || !remote->stage)
    return adze_error_memory ();
  ADZE_TRY (settings_text (options->settings, &remote->settings));
  ADZE_TRY (open_request (options, &request));
  return start (remote, options, request);
}

adze_error *
adze_remote_open (const adze_remote_options *options, adze_remote **remote)
{
  adze_remote *fresh = calloc (1, sizeof *fresh);
  if (!fresh)
    return adze_error_memory ();
  adze_error *error = open_parts (fresh, options);
  if (error) {
    adze_remote_close (fresh);
    return error;
  }
  *remote = fresh;
  return NULL;
}

const adze_instance_facts *
adze_remote_facts (const adze_remote *remote)
{
  return &remote->facts;
}

bool
adze_remote_broken (const adze_remote *remote)
{
  return remote->broken;
}

uint64_t
adze_remote_peak (const adze_remote *remote)
{
  return adze_peak_memory (adze_child_pid (adze_worker_child (remote->worker)));
}

/* ---- Asking. */

/* Of all links: "step" says that a library could not be loaded. */
static bool
has_step (const adze_error *error)
{
  for (; error; error = adze_error_cause (error))
    if (adze_error_fact (error, "step"))
      return true;
  return false;
}

/* A process that ended is not asked again, and the failure says what it was doing. Want of memory
 * shows itself in many ways, so a limit on it is named whatever went wrong. */
adze_error *
adze_remote_explain (adze_remote *remote, const char *callback, adze_error *error)
{
  if (remote->memory_limit > 0)
    adze_error_setf (error, "memory limit", "%llu bytes for the whole process",
                     (unsigned long long)remote->memory_limit);
  /* The loader's words say nothing of it. */
  if (remote->memory_limit > 0 && has_step (error))
    adze_error_set (error, "hint",
                    "the process may have too little memory to load it in: libraries count as well; "
                    "allow more in isolate = { memory = ... }");
  /* What the component itself answered stands as it is. Anything else comes from a conversation that
   * has broken off. */
  if (!remote->asked || adze_worker_answered (remote->worker))
    return error;
  remote->broken = true;
  error = adze_error_wrap (error, "the process that ran %s of '%s' (%s) failed", callback,
                           remote->stage, remote->settings);
  adze_error_set (error, "stage", remote->stage);
  adze_error_set (error, "component", remote->component);
  adze_error_set (error, "parameters", remote->settings);
  return error;
}

adze_error *
adze_remote_check (const adze_remote *remote)
{
  if (!remote->broken)
    return NULL;
  return adze_error_new (ADZE_E_CRASHED, "the process of '%s' has ended before", remote->stage);
}

void
adze_shipment_begin (adze_shipment *shipment, const char *verb)
{
  *shipment = (adze_shipment){ .request = adze_value_new (ADZE_VALUE_TABLE) };
  adze_json_string (shipment->request, "do", verb);
}

void
adze_shipment_cleanup (adze_shipment *shipment)
{
  for (size_t i = 0; i < shipment->owned_count; i++)
    free (shipment->owned[i]);
  free (shipment->owned);
  free (shipment->parcels);
  adze_value_free (shipment->request);
}

void
adze_shipment_add (const adze_remote *remote, adze_shipment *shipment, adze_value *row,
                   const void *data, size_t size)
{
  size_t offset = 0;
  if (adze_remote_in_area (remote, data, size, &offset)) {
    adze_json_int (row, "at", (int64_t)offset);
    return;
  }
  adze_parcel *grown
      = reallocarray (shipment->parcels, shipment->count + 1, sizeof *shipment->parcels);
  if (!grown) {
    shipment->failed = true;
    return;
  }
  shipment->parcels = grown;
  grown[shipment->count++] = (adze_parcel){ data, size };
}

adze_error *
adze_remote_exchange (adze_remote *remote, const adze_shipment *shipment, adze_document *reply)
{
  remote->asked = false;
  remote->repeatable = 0;
  if (shipment->failed || adze_json_failed (shipment->request))
    return adze_error_memory ();
  remote->asked = true;
  ADZE_TRY (adze_worker_send (remote->worker, shipment->request, remote->time_limit_ms));
  for (size_t i = 0; i < shipment->count; i++)
    ADZE_TRY (adze_child_put (adze_worker_child (remote->worker), shipment->parcels[i].data,
                              shipment->parcels[i].size));
  return adze_worker_receive (remote->worker, reply);
}

adze_error *
adze_remote_event (adze_remote *remote, const adze_event *event)
{
  ADZE_TRY (adze_remote_check (remote));
  ADZE_AUTO_VALUE request = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_document) reply = { 0 };
  adze_json_string (request, "do", "event");
  adze_event_to_value (event, request);
  if (adze_json_failed (request))
    return adze_error_memory ();
  remote->asked = true;
  adze_error *error = adze_worker_ask (remote->worker, request, remote->time_limit_ms, &reply);
  return error ? adze_remote_explain (remote, "event", error) : NULL;
}

/* ---- The area. */

bool
adze_remote_in_area (const adze_remote *remote, const void *data, size_t size, size_t *offset)
{
  size_t room;
  uintptr_t area = (uintptr_t)adze_child_area (adze_worker_child (remote->worker), &room);
  uintptr_t place = (uintptr_t)data;
  if (!data || place < area || place - area > room || size > room - (place - area))
    return false;
  *offset = place - area;
  return true;
}

static adze_loan *
find_loan (adze_remote *remote, adze_loan_kind kind, size_t index)
{
  for (size_t i = 0; i < remote->loan_count; i++)
    if (remote->loans[i].kind == kind && remote->loans[i].index == index)
      return &remote->loans[i];
  return NULL;
}

/* The lowest place where SIZE bytes meet no other loan; false: there is none. */
static bool
find_place (const adze_remote *remote, const adze_loan *mine, size_t room, size_t size,
            size_t *offset)
{
  *offset = 0;
  for (bool moved = true; moved;) {
    moved = false;
    for (size_t i = 0; i < remote->loan_count; i++) {
      const adze_loan *other = &remote->loans[i];
      if (other == mine || other->offset >= *offset + size
          || *offset >= other->offset + other->size)
        continue;
      *offset = other->offset + other->size;
      moved = true;
    }
    if (*offset > room || size > room - *offset)
      return false;
  }
  return true;
}

void *
adze_remote_lend (adze_remote *remote, adze_loan_kind kind, size_t index, size_t size)
{
  enum { ALIGNMENT = 64, LOANS_MOST = 64 };
  size_t room, offset;
  char *area = adze_child_area (adze_worker_child (remote->worker), &room);
  adze_loan *loan = find_loan (remote, kind, index);
  if (size > room)
    return NULL;
  size = size / ALIGNMENT * ALIGNMENT + ALIGNMENT * (size % ALIGNMENT != 0 || size == 0);
  if (loan && loan->size >= size)
    return area + loan->offset;
  if (!find_place (remote, loan, room, size, &offset) || (!loan && remote->loan_count == LOANS_MOST))
    return NULL;
  if (!loan) {
    adze_loan *grown
        = reallocarray (remote->loans, remote->loan_count + 1, sizeof *remote->loans);
    if (!grown)
      return NULL;
    remote->loans = grown;
    loan = &grown[remote->loan_count++];
  }
  *loan = (adze_loan){ kind, index, offset, size };
  return area + offset;
}

void *
adze_remote_buffer (adze_remote *remote, bool output, size_t index, size_t size)
{
  return adze_remote_lend (remote, output ? ADZE_LOAN_OUTPUT : ADZE_LOAN_INPUT, index, size);
}

/* ---- Ending. */

adze_error *
adze_remote_end (adze_remote *remote)
{
  /* Nobody waits for ever for something that is to go away. */
  enum { END_LIMIT_MS = 10000 };
  if (!remote->worker || remote->broken || remote->ended)
    return NULL;
  remote->ended = true;
  ADZE_AUTO_VALUE request = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_document) reply = { 0 };
  adze_json_string (request, "do", "close");
  if (adze_json_failed (request))
    return adze_error_memory ();
  int64_t limit = remote->time_limit_ms > 0 ? remote->time_limit_ms : END_LIMIT_MS;
  remote->asked = true;
  adze_error *error = adze_worker_ask (remote->worker, request, limit, &reply);
  if (!error)
    return NULL;
  const char *callback = adze_worker_progress (remote->worker);
  return adze_remote_explain (remote, callback[0] ? callback : "destroy", error);
}

static void
free_words (adze_remote *remote)
{
  for (size_t i = 0; remote->words && i < remote->word_room; i++)
    free (remote->words[i]);
  free (remote->words);
}

/* One that does not end is killed. */
void
adze_remote_close (adze_remote *remote)
{
  if (!remote)
    return;
  ADZE_AUTO_ERROR error = adze_remote_end (remote);
  if (error)
    adze_tell_end (remote->bus, remote->component, error, true);
  adze_worker_stop (remote->worker);
  free_words (remote);
  free (remote->loans);
  free (remote->stage);
  free (remote->component);
  free (remote->settings);
  free (remote);
}
