/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's technique: one request for each of its callbacks.
 *
 *   describe     outline                            -> answer
 *   accumulator                                     -> size
 *   observe      work, accumulator                  -> the accumulator's bytes
 *   merge        accumulator, right                 -> likewise
 *   decide       work or none, accumulator or none  -> again
 *   apply        work                               -> given; then the bytes of what was given
 *   run                                             -> after questions of its own; run_ask.c
 *   job          bytes, which follow                -> likewise: bytes, which follow
 *
 * And "again FIRST", which is no JSON, right behind an apply whose tensors all lie in the area: the
 * same once more, with another first element; "again FIRST GROUP NAME": of another tensor like it.
 *
 * work: which group and piece, "inputs" and "rooms", whose bytes lie in the area at "at", or follow.
 */
#include <errno.h>
#include <string.h>

#include "plugin/worker_client.h"
#include "stage/run_ops.h"
#include "stage/worker_private.h"

static void
add_words (adze_value *table, const char *name, const char *const *words)
{
  adze_value *list = adze_json_list (table, name);
  for (size_t i = 0; words[i]; i++)
    adze_wire_text (list, NULL, words[i], strlen (words[i]));
}

void
adze_worker_facts (const adze_local *local, adze_value *reply)
{
  const adze_instance_facts *facts = adze_local_facts (local);
  adze_value *table = adze_json_table (reply, "facts");
  adze_json_int (table, "effect", facts->effect);
  adze_json_int (table, "grain", facts->grain);
  adze_json_int (table, "accumulate", facts->accumulate);
  adze_json_bool (table, "describes", facts->describes);
  adze_json_bool (table, "observes", facts->observes);
  adze_json_bool (table, "applies", facts->applies);
  adze_json_bool (table, "runs", facts->runs);
  adze_json_bool (table, "rehearses", facts->rehearses);
  adze_json_bool (table, "keeps-network", facts->keeps_network);
  add_words (table, "preserves", facts->preserves);
  add_words (table, "breaks", facts->breaks);
  add_words (table, "keeps", facts->keeps);
}

/* ACCUMULATES: it needs an accumulator to be asked. */
static adze_error *
check_technique (const adze_worker_state *state, bool accumulates)
{
  if (!state->local)
    return adze_error_new (ADZE_E_FORMAT, "this worker has no technique");
  if (accumulates && !adze_local_facts (state->local)->observes)
    return adze_error_new (ADZE_E_FORMAT, "this worker's technique does not observe");
  return NULL;
}

static adze_error *
do_describe (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  adze_outline_copy copy;
  ADZE_TRY (check_technique (state, false));
  ADZE_TRY (adze_outline_inputs_from (adze_value_get (request, "outline"), &copy));
  adze_error *error = adze_local_describe (state->local, &copy.outline);
  if (!error)
    adze_outline_answer_value (&copy.outline, adze_json_table (reply, "answer"));
  adze_json_bool (reply, "observes", adze_local_facts (state->local)->observes);
  adze_outline_copy_cleanup (&copy);
  return error;
}

static adze_error *
do_accumulator (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  size_t size = 0;
  (void)request;
  ADZE_TRY (check_technique (state, true));
  ADZE_TRY (adze_local_accumulator (state->local, &size));
  adze_json_int (reply, "size", (int64_t)size);
  return NULL;
}

/* Takes what comes with the request. What is lacking is no plugin's fault. */
static adze_error *
take (adze_worker_state *state, const adze_value *request, bool work, size_t accumulators)
{
  ADZE_TRY (adze_inbox_take (state, request));
  if (work && state->inbox.input_count == 0)
    return adze_error_new (ADZE_E_FORMAT, "the request lacks the table 'work'");
  for (size_t i = 0; i < accumulators; i++)
    if (!state->inbox.accumulators[i])
      return adze_error_new (ADZE_E_FORMAT, "the request lacks an accumulator");
  return check_technique (state, accumulators > 0);
}

/* One in the area is seen by the host as it is. */
static adze_error *
give_accumulator (adze_worker_state *state)
{
  if (!state->inbox.accumulator_memory[0])
    return NULL;
  return adze_worker_send_later (state, state->inbox.accumulators[0],
                                 state->inbox.accumulator_size);
}

/* Tensors without data are for decide alone. */
static adze_error *
check_data (const adze_inbox *inbox)
{
  for (size_t i = 0; i < inbox->input_count; i++)
    if (!inbox->inputs[i].tensor.view.data)
      return adze_error_new (ADZE_E_FORMAT, "the request has a tensor without data");
  return NULL;
}

static adze_error *
do_observe (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  (void)reply;
  ADZE_TRY (take (state, request, true, 1));
  ADZE_TRY (check_data (&state->inbox));
  ADZE_TRY (adze_local_observe (state->local, &state->inbox.work, state->inbox.accumulators[0]));
  return give_accumulator (state);
}

static adze_error *
do_merge (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  (void)reply;
  ADZE_TRY (take (state, request, false, 2));
  ADZE_TRY (adze_local_merge (state->local, state->inbox.accumulators[0],
                              state->inbox.accumulators[1]));
  return give_accumulator (state);
}

static adze_error *
do_decide (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  bool again = adze_wire_truth (request, "again");
  ADZE_TRY (take (state, request, false, 0));
  ADZE_TRY (check_technique (state, true));
  const adze_work *work = state->inbox.input_count > 0 ? &state->inbox.work : NULL;
  ADZE_TRY (adze_local_decide (state->local, work, state->inbox.accumulators[0], &again));
  adze_json_bool (reply, "again", again);
  return NULL;
}

static adze_error *
do_apply (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  adze_inbox *inbox = &state->inbox;
  ADZE_TRY (take (state, request, true, 0));
  ADZE_TRY (check_data (inbox));
  inbox->repeatable = adze_inbox_is_shared (inbox);
  ADZE_TRY (adze_local_apply (state->local, &inbox->work));
  adze_value *given = adze_json_list (reply, "given");
  for (size_t i = 0; i < inbox->room_count; i++) {
    const adze_room *room = &inbox->rooms[i];
    adze_json_bool (given, NULL, room->given);
    if (room->given && inbox->pieces[i].memory)
      ADZE_TRY (adze_worker_send_later (state, room->tensor.view.data,
                                        (size_t)room->tensor.byte_size));
  }
  return NULL;
}

/* Digits, up to END. */
static bool
read_number (const char **text, char end, uint64_t *number)
{
  char *behind;
  errno = 0;
  *number = strtoull (*text, &behind, 10);
  bool sound = !errno && behind != *text && *behind == end && *number <= INT64_MAX;
  *text = behind + (*behind != 0);
  return sound;
}

/* "FIRST", or "FIRST GROUP NAME" */
static adze_error *
take_again (adze_inbox *inbox, const char *text)
{
  uint64_t first, group;
  bool other = strchr (text, ' ') != NULL;
  if (!read_number (&text, other ? ' ' : 0, &first)
      || (other && (!adze_inbox_has_one_name (inbox) || !read_number (&text, ' ', &group))))
    return adze_wire_damaged ("a request");
  inbox->work.first = first;
  if (!other)
    return NULL;
  inbox->work.group = (size_t)group;
  return adze_inbox_rename (inbox, text);
}

adze_error *
adze_worker_apply_again (adze_worker_state *state, const char *text, adze_buffer *answer)
{
  adze_inbox *inbox = &state->inbox;
  if (!inbox->repeatable)
    return adze_error_new (ADZE_E_FORMAT, "there is no request that could be repeated");
  ADZE_TRY (take_again (inbox, text));
  ADZE_TRY (adze_local_apply (state->local, &inbox->work));
  adze_buffer_text (answer, ADZE_WORKER_GIVEN);
  for (size_t i = 0; i < inbox->room_count; i++)
    adze_buffer_add (answer, inbox->rooms[i].given ? "1" : "0", 1);
  return answer->failed ? adze_error_memory () : NULL;
}

static adze_error *
do_run (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  adze_run_there there = { .state = state };
  (void)request;
  (void)reply;
  ADZE_TRY (check_technique (state, false));
  adze_error *error = adze_local_run (state->local, &adze_run_ops_there, &there);
  adze_run_there_cleanup (&there);
  return error;
}

void
adze_worker_jobs_close (adze_worker_state *state)
{
  if (state->jobs)
    adze_run_there_cleanup (state->jobs);
  free (adze_take (&state->jobs));
  free (adze_take (&state->answer));
}

static adze_error *
do_one_job (adze_worker_state *state, const adze_text *request, adze_value *reply)
{
  adze_job_done done = { .answered = false };
  ADZE_TRY (check_technique (state, false));
  if (!state->jobs && !(state->jobs = calloc (1, sizeof *state->jobs)))
    return adze_error_memory ();
  state->jobs->state = state;
  adze_error *error = adze_local_job (state->local, &adze_run_ops_there, state->jobs, request, &done);
  adze_run_there_clear (state->jobs);
  free (state->answer);
  state->answer = done.answer;
  if (error)
    return error;
  adze_json_int (reply, "bytes", (int64_t)done.size);
  return adze_worker_send_later (state, done.answer, done.size);
}

/* What comes with it is taken whatever becomes of it. */
static adze_error *
do_job (adze_worker_state *state, const adze_value *request, adze_value *reply)
{
  uint64_t size;
  if (!adze_wire_number (request, "bytes", SIZE_MAX - 1, &size))
    return adze_wire_damaged ("a request");
  ADZE_AUTO_FREE void *bytes = malloc ((size_t)size + 1);
  ADZE_TRY (adze_child_take (state->parent, bytes, (size_t)size));
  if (!bytes)
    return adze_error_memory ();
  const adze_text text = { bytes, (size_t)size };
  return do_one_job (state, &text, reply);
}

const adze_worker_verb adze_worker_technique_verbs[] = {
  { "describe", do_describe }, { "accumulator", do_accumulator },
  { "observe", do_observe },   { "merge", do_merge },
  { "decide", do_decide },     { "apply", do_apply },
  { "run", do_run },           { "job", do_job },
  { NULL, NULL },
};
