/* SPDX-License-Identifier: Apache-2.0 */
/* run/explain.c: what would be done again, and why. */
#include <string.h>

#include "artifact/columns.h"
#include "run/execution.h"

typedef struct segment_answer {
  bool cached;
  bool never; /* nothing of these stages is known */
  char *why;  /* lines */
} segment_answer;

static adze_error *
stages_text (const adze_plan *plan, const adze_plan_segment *segment, char **text)
{
  ADZE_AUTO (adze_buffer) ids = { 0 };
  for (size_t i = 0; i < segment->count; i++)
    adze_buffer_format (&ids, "%s%s", i ? ", " : "", plan->stages[segment->first + i].stage->id);
  return adze_buffer_finish (&ids, text);
}

static adze_error *
compare_with_last (adze_execution *x, const adze_key *key, const char *stages,
                   const adze_value *again, segment_answer *answer, adze_buffer *why)
{
  ADZE_AUTO_VALUE last = NULL;
  ADZE_TRY (adze_result_last (x->folder, stages, &last));
  answer->never = last == NULL;
  if (last)
    adze_key_explain (last, key->parts, again, why);
  return NULL;
}

static adze_error *
answer_segment (adze_execution *x, size_t number, const adze_value *again, segment_answer *answer)
{
  const adze_plan_segment *segment = &x->plan->segments[number];
  ADZE_AUTO (adze_key) key = { 0 };
  ADZE_AUTO_VALUE facts = NULL;
  ADZE_AUTO (adze_buffer) why = { 0 };
  ADZE_AUTO_FREE char *stages = NULL;
  ADZE_TRY (stages_text (x->plan, segment, &stages));
  ADZE_TRY (adze_content_key (x, segment, false, &key));
  x->segment_keys[number] = adze_key_hash (&key);
  ADZE_TRY (adze_result_find_why (x->folder, &key, &facts, &why));
  if (facts && segment->whole)
    ADZE_TRY (adze_whole_check (x, number, &key, &facts, &why));
  answer->cached = facts != NULL;
  if (!answer->cached && why.size == 0)
    ADZE_TRY (compare_with_last (x, &key, stages, again, answer, &why));
  return why.size ? adze_buffer_finish (&why, &answer->why) : NULL;
}

/* The stages of a segment become some of those that are done again. */
static adze_error *
note_again (const adze_plan *plan, const adze_plan_segment *segment, adze_value *again)
{
  for (size_t i = 0; i < segment->count; i++)
    adze_json_bool (again, plan->stages[segment->first + i].stage->id, true);
  return adze_json_failed (again) ? adze_error_memory () : NULL;
}

static void
add_text (const adze_plan *plan, size_t number, const char *stages, const segment_answer *answer,
          adze_buffer *into)
{
  adze_buffer_format (into, "segment %zu of %zu (%s): %s\n", number + 1, plan->segment_count,
                      stages,
                      answer->cached  ? "is there already"
                      : answer->never ? "has never been done"
                                      : "would be done again");
  if (answer->cached || !answer->why)
    return;
  for (const char *line = answer->why; *line;) {
    size_t size = strcspn (line, "\n");
    adze_buffer_safe_line (into, "  because %.*s", (int)size, line);
    line += size + (line[size] == '\n');
  }
}

static void
add_value (const char *stages, const segment_answer *answer, adze_value *list)
{
  adze_value *into = adze_json_table (list, NULL);
  adze_json_string (into, "stages", stages);
  adze_json_bool (into, "cached", answer->cached);
  adze_json_bool (into, "first", answer->never);
  adze_value *why = adze_json_list (into, "because");
  for (const char *line = answer->why ? answer->why : ""; *line;) {
    size_t size = strcspn (line, "\n");
    ADZE_AUTO_FREE char *copy = strndup (line, size);
    adze_json_string (why, NULL, copy ? copy : "");
    line += size + (line[size] == '\n');
  }
}

static adze_error *
explain (adze_execution *x, bool json, char **text)
{
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_VALUE again = adze_value_new (ADZE_VALUE_TABLE);
  adze_value *list = adze_json_list (root, "segments");
  for (size_t i = 0; i < x->plan->segment_count; i++) {
    segment_answer answer = { 0 };
    ADZE_AUTO_FREE char *stages = NULL;
    ADZE_TRY (stages_text (x->plan, &x->plan->segments[i], &stages));
    adze_error *error = answer_segment (x, i, again, &answer);
    if (!error) {
      add_text (x->plan, i, stages, &answer, &buffer);
      add_value (stages, &answer, list);
    }
    free (answer.why);
    ADZE_TRY (error);
    if (!answer.cached && !answer.never)
      ADZE_TRY (note_again (x->plan, &x->plan->segments[i], again));
  }
  if (!json)
    return adze_buffer_finish (&buffer, text);
  ADZE_AUTO (adze_buffer) document = { 0 };
  if (adze_json_failed (root))
    return adze_error_memory ();
  adze_json_write (root, 2, &document);
  adze_buffer_text (&document, "\n");
  return adze_buffer_finish (&document, text);
}

adze_error *
adze_plan_explain (adze_plan *plan, const adze_run_options *given, bool json, char **text)
{
  adze_execution x;
  adze_run_options options = ADZE_RUN_OPTIONS_INIT;
  if (given)
    memcpy (&options, given,
            given->struct_size < sizeof options ? given->struct_size : sizeof options);
  ADZE_LOCKED (plan->runtime);
  atomic_store (&plan->runtime->cancel, false);
  adze_error *error = adze_execution_open (plan, &options, true, &x);
  if (!error)
    error = explain (&x, json, text);
  adze_execution_close (&x);
  return error;
}
