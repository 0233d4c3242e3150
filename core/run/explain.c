/* SPDX-License-Identifier: Apache-2.0 */
/* run/explain.c: what would be done again, and why. */
#include <string.h>

#include "artifact/columns.h"
#include "run/differs.h"

typedef struct explanation {
  adze_execution x;
  adze_answer *segments;
  adze_answer *outputs; /* of the pipeline; those that a segment writes stay empty */
  adze_value *last;     /* all that the last run of this pipeline used; NULL: there was none */
  bool finished;        /* that run came to its end */
} explanation;

static adze_error *
stages_text (const adze_plan *plan, const adze_plan_segment *segment, char **text)
{
  ADZE_AUTO (adze_buffer) ids = { 0 };
  for (size_t i = 0; i < segment->count; i++)
    adze_buffer_format (&ids, "%s%s", i ? ", " : "", plan->stages[segment->first + i].stage->id);
  return adze_buffer_finish (&ids, text);
}

/* Lines, unless there are none. */
static adze_error *
take_lines (adze_buffer *lines, char **text)
{
  return lines->size ? adze_buffer_finish (lines, text) : NULL;
}

/* ---- Segments. */

static bool
has_any (const adze_value *records, const adze_value *ids)
{
  for (size_t i = 0; i < ids->count; i++)
    if (adze_record_of (records, ids->items[i]->key))
      return true;
  return false;
}

/* Where there was no run of this pipeline, which may have got another name, a result of whoever had
 * such stages must do: *FOUND. *NEVER: and there is none. */
static adze_error *
last_of (const explanation *e, const adze_plan_segment *segment, adze_value **found, bool *never)
{
  ADZE_AUTO_VALUE ids = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO_VALUE newest = NULL;
  for (size_t i = 0; i < segment->count; i++)
    adze_json_bool (ids, e->x.plan->stages[segment->first + i].stage->id, true);
  if (adze_json_failed (ids))
    return adze_error_memory ();
  *never = false;
  if (e->last && has_any (e->last, ids))
    return NULL;
  ADZE_TRY (adze_result_newest (e->x.folder, ids, &newest));
  *never = newest == NULL;
  if (e->last || !newest)
    return NULL;
  if (!(*found = adze_value_new (ADZE_VALUE_LIST)))
    return adze_error_memory ();
  return adze_value_append (*found, NULL, adze_take (&newest));
}

/* Also of what is there: it may well be another than the last run had, which those that build on it
 * need to know. */
static adze_error *
compare_with_last (explanation *e, size_t number, const adze_key *key)
{
  const adze_plan_segment *segment = &e->x.plan->segments[number];
  adze_answer *answer = &e->segments[number];
  ADZE_AUTO_VALUE found = NULL;
  ADZE_AUTO (adze_buffer) made = { 0 };
  ADZE_AUTO (adze_buffer) lying = { 0 };
  bool never;
  ADZE_TRY (last_of (e, segment, &found, &never));
  answer->never = never && !answer->cached;
  const adze_comparison c = { .x = &e->x,
                              .first = segment->first,
                              .parts = key->parts,
                              .records = found ? found : e->last,
                              .finished = found || e->finished,
                              .answers = e->segments };
  if (!c.records || answer->never)
    return NULL;
  ADZE_TRY (adze_differs (&c, number, &made, &lying));
  ADZE_TRY (take_lines (&made, &answer->made));
  return take_lines (&lying, &answer->lying);
}

static adze_error *
answer_segment (explanation *e, size_t number)
{
  adze_execution *x = &e->x;
  adze_answer *answer = &e->segments[number];
  ADZE_AUTO (adze_key) key = { 0 };
  ADZE_AUTO_VALUE facts = NULL;
  ADZE_AUTO (adze_buffer) why = { 0 };
  ADZE_TRY (adze_content_key (x, &x->plan->segments[number], false, &key));
  x->segment_keys[number] = adze_key_hash (&key);
  ADZE_TRY (adze_result_find_why (x->folder, &key, &facts, &why));
  if (facts && x->plan->segments[number].whole)
    ADZE_TRY (adze_whole_check (x, number, &key, &facts, &why));
  answer->cached = facts != NULL;
  ADZE_TRY (compare_with_last (e, number, &key));
  if (answer->cached || answer->never)
    return NULL;
  if (why.size)
    adze_buffer_text (&why, "\n");
  /* What differs is why nothing was found, or why what was found has gone: another run wrote there. */
  if (!x->options.fresh)
    adze_buffer_format (&why, "%s%s", answer->made ? answer->made : "",
                        answer->lying ? answer->lying : "");
  if (why.size == 0)
    adze_buffer_text (&why, "what was kept of it is no longer there");
  return adze_buffer_finish (&why, &answer->why);
}

/* ---- Outputs that no segment writes: they are copied from what is kept, or from an input. */

static const char *
name_of (const adze_plan *plan, size_t output)
{
  const adze_value *path = adze_value_get (plan->pipeline->outputs[output].table, "path");
  return path && path->type == ADZE_VALUE_STRING ? path->string
                                                 : plan->pipeline->outputs[output].path;
}

/* How the file that is called NAME came about the last time: by a copy, or by the pass of some stages.
 * A project may have been moved since. */
static const adze_value *
last_writer (const adze_value *last, const char *name)
{
  for (size_t i = 0; last && i < last->count; i++) {
    const char *written = adze_key_text (last->items[i], ADZE_KEY_OUTPUT, "name.path");
    if (written && strcmp (written, name) == 0)
      return last->items[i];
  }
  return NULL;
}

static void
compare_copy (const explanation *e, const adze_key *key, adze_answer *answer, adze_buffer *why)
{
  const char *name = adze_key_text (key->parts, ADZE_KEY_OUTPUT, "name.path");
  const adze_value *old = last_writer (e->last, name);
  const char *stages = old ? adze_key_text (old, NULL, "stage") : NULL;
  const adze_comparison c = { .x = &e->x,
                              .first = e->x.plan->stage_count,
                              .parts = key->parts,
                              .records = e->last,
                              .answers = e->segments };
  answer->added = !old;
  if (why->size)
    adze_buffer_text (why, "\n");
  if (!old) {
    adze_buffer_text (why, !e->last       ? "no run of this pipeline has written it\n"
                           : !e->finished ? "the last run did not come to it\n"
                                          : "the last run had no such output\n");
  } else if (stages) {
    adze_buffer_format (why, "the last time the pass of (%s) wrote it\n", stages);
  } else {
    adze_differs_input (&c, old, NULL, "input.model", why);
    adze_key_explain (old, key->parts, NULL, why);
    adze_key_explain (old, key->parts, ADZE_KEY_OUTPUT, why);
  }
  if (why->size == 0)
    adze_buffer_text (why, "what was kept of it is no longer there\n");
}

static adze_error *
answer_copy (explanation *e, size_t number, const adze_plan_model *model)
{
  adze_answer *answer = &e->outputs[number];
  ADZE_AUTO (adze_key) key = { 0 };
  ADZE_AUTO_VALUE facts = NULL;
  ADZE_AUTO (adze_buffer) why = { 0 };
  ADZE_TRY (adze_output_key (&e->x, number, model, &key));
  ADZE_TRY (adze_result_find_why (e->x.folder, &key, &facts, &why));
  answer->cached = facts != NULL;
  if (!answer->cached && !e->x.options.fresh)
    compare_copy (e, &key, answer, &why);
  return take_lines (&why, &answer->why);
}

static adze_error *
answer_output (explanation *e, size_t number)
{
  const adze_plan_model *model
      = adze_plan_bound (e->x.plan, &e->x.plan->pipeline->outputs[number].from);
  if (model)
    return answer_copy (e, number, model);
  e->outputs[number].why = strdup ("what is no model is written by every run");
  return e->outputs[number].why ? NULL : adze_error_memory ();
}

/* ---- In words. */

static void
add_text (const char *what, const char *verb, const adze_answer *answer, adze_buffer *into)
{
  adze_buffer_format (into, "%s: ", what);
  if (answer->cached)
    adze_buffer_text (into, "is there already\n");
  else if (answer->never)
    adze_buffer_text (into, "has never been done\n");
  else if (answer->added)
    adze_buffer_format (into, "would be %s\n", verb);
  else
    adze_buffer_format (into, "would be %s again\n", verb);
  if (answer->cached || !answer->why)
    return;
  for (const char *line = answer->why; *line;) {
    size_t size = strcspn (line, "\n");
    adze_buffer_safe_line (into, "  because %.*s", (int)size, line);
    line += size + (line[size] == '\n');
  }
}

static void
add_value (const char *key, const char *what, const adze_answer *answer, adze_value *list)
{
  adze_value *into = adze_json_table (list, NULL);
  adze_json_string (into, key, what);
  adze_json_bool (into, "cached", answer->cached);
  adze_json_bool (into, "first", answer->never || answer->added);
  adze_value *why = adze_json_list (into, "because");
  for (const char *line = !answer->cached && answer->why ? answer->why : ""; *line;) {
    size_t size = strcspn (line, "\n");
    ADZE_AUTO_FREE char *copy = strndup (line, size);
    adze_json_string (why, NULL, copy ? copy : "");
    line += size + (line[size] == '\n');
  }
}

static adze_error *
explain_segments (explanation *e, adze_buffer *text, adze_value *list)
{
  const adze_plan *plan = e->x.plan;
  for (size_t i = 0; i < plan->segment_count; i++) {
    ADZE_AUTO_FREE char *stages = NULL;
    ADZE_TRY (stages_text (plan, &plan->segments[i], &stages));
    ADZE_AUTO_FREE char *what
        = adze_text_format ("segment %zu of %zu (%s)", i + 1, plan->segment_count, stages);
    if (!what)
      return adze_error_memory ();
    ADZE_TRY (answer_segment (e, i));
    add_text (what, "done", &e->segments[i], text);
    add_value ("stages", stages, &e->segments[i], list);
  }
  return NULL;
}

static adze_error *
explain_outputs (explanation *e, adze_buffer *text, adze_value *list)
{
  const adze_plan *plan = e->x.plan;
  for (size_t i = 0; i < plan->pipeline->output_count; i++) {
    if (adze_plan_is_a_segments (plan, i))
      continue;
    ADZE_AUTO_FREE char *what = adze_text_format ("output %s", name_of (plan, i));
    if (!what)
      return adze_error_memory ();
    ADZE_TRY (answer_output (e, i));
    add_text (what, "written", &e->outputs[i], text);
    add_value ("output", name_of (plan, i), &e->outputs[i], list);
  }
  return NULL;
}

static adze_error *
explain (explanation *e, bool json, char **text)
{
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  ADZE_AUTO (adze_buffer) document = { 0 };
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  /* What the run would refuse is no plan of it. */
  if (e->x.options.locked)
    ADZE_TRY (adze_lock_compare (&e->x));
  ADZE_TRY (adze_last_run (e->x.folder, &e->last, &e->finished));
  ADZE_TRY (explain_segments (e, &buffer, adze_json_list (root, "segments")));
  ADZE_TRY (explain_outputs (e, &buffer, adze_json_list (root, "outputs")));
  if (!json)
    return adze_buffer_finish (&buffer, text);
  if (adze_json_failed (root))
    return adze_error_memory ();
  adze_json_write (root, 2, &document);
  adze_buffer_text (&document, "\n");
  return adze_buffer_finish (&document, text);
}

static void
free_answers (adze_answer *answers, size_t count)
{
  for (size_t i = 0; answers && i < count; i++) {
    free (answers[i].why);
    free (answers[i].made);
    free (answers[i].lying);
  }
  free (answers);
}

adze_error *
adze_plan_explain (adze_plan *plan, const adze_run_options *given, bool json, char **text)
{
  explanation e = { 0 };
  adze_run_options options = ADZE_RUN_OPTIONS_INIT;
  if (given)
    memcpy (&options, given,
            given->struct_size < sizeof options ? given->struct_size : sizeof options);
  ADZE_LOCKED (plan->runtime);
  atomic_store (&plan->runtime->cancel, false);
  adze_error *error = adze_execution_open (plan, &options, true, &e.x);
  e.segments = calloc (plan->segment_count + 1, sizeof *e.segments);
  e.outputs = calloc (plan->pipeline->output_count + 1, sizeof *e.outputs);
  if (!error)
    error = e.segments && e.outputs ? explain (&e, json, text) : adze_error_memory ();
  free_answers (e.segments, plan->segment_count);
  free_answers (e.outputs, plan->pipeline->output_count);
  adze_value_free (e.last);
  adze_execution_close (&e.x);
  return error;
}
