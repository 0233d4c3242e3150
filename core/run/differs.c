/* SPDX-License-Identifier: Apache-2.0 */
/* run/differs.c: a segment held against the last time: its stages one by one, where they get their
 * inputs from, what becomes of the result, and which stages ran together. */
#include "run/differs.h"

#include <string.h>

#include "artifact/columns.h"

const adze_value *
adze_record_of (const adze_value *records, const char *id)
{
  for (size_t i = 0; records && i < records->count; i++)
    if (adze_result_names (records->items[i], id))
      return records->items[i];
  return NULL;
}

static size_t
stage_called (const adze_plan *plan, const char *id)
{
  for (size_t i = 0; i < plan->stage_count; i++)
    if (strcmp (plan->stages[i].stage->id, id) == 0)
      return i;
  return SIZE_MAX;
}

/* ---- What other stages give. */

/* Lines become one, in brackets. */
static void
say_reasons (const char *lines, adze_buffer *into)
{
  for (const char *line = lines; *line;) {
    size_t size = strcspn (line, "\n");
    adze_buffer_format (into, "%s%.*s", line == lines ? " (" : "; ", (int)size, line);
    line += size + (line[size] == '\n');
  }
  adze_buffer_text (into, ")\n");
}

/* How people call whom INPUT is of. */
static void
say_whose (const char *id, adze_buffer *into)
{
  if (id)
    adze_buffer_format (into, "stage %s: ", id);
}

static void
say_giver (const adze_comparison *c, const char *id, const adze_plan_stage *giver, adze_buffer *into)
{
  const adze_answer *answer = &c->answers[giver->segment];
  /* Where it is as it was, it is found by what it was made of, be it done again or not. */
  if (!answer->made && !answer->lying && !answer->never)
    return;
  say_whose (id, into);
  adze_buffer_format (into, "what stage %s gives ", giver->stage->id);
  if (!answer->cached) {
    adze_buffer_text (into, "is done again\n");
  } else {
    adze_buffer_format (into, answer->made ? "was made otherwise the last time"
                                           : "comes of another pass than the last time");
    say_reasons (answer->made ? answer->made : answer->lying, into);
  }
}

static void
say_source (const adze_value *parts, const char *id, const char *input, adze_buffer *into)
{
  ADZE_AUTO_FREE char *from = adze_text_format ("name.from.%s", input);
  ADZE_AUTO_FREE char *name = adze_text_format ("name.%s", input);
  const char *stage = from ? adze_key_text (parts, id, from) : NULL;
  const char *file = name ? adze_key_text (parts, id, name) : NULL;
  if (stage)
    adze_buffer_format (into, "stage %s", stage);
  else
    adze_buffer_text (into, file                               ? file
                            : adze_key_text (parts, id, input) ? "an input"
                                                               : "nothing");
}

void
adze_differs_input (const adze_comparison *c, const adze_value *old, const char *id,
                    const char *input, adze_buffer *into)
{
  ADZE_AUTO_FREE char *from = adze_text_format ("name.from.%s", input);
  const char *was = from ? adze_key_text (old, id, from) : NULL;
  const char *is = from ? adze_key_text (c->parts, id, from) : NULL;
  if (!was && !is)
    return;
  if (was && is && strcmp (was, is) == 0) {
    size_t giver = stage_called (c->x->plan, is);
    if (giver < c->first)
      say_giver (c, id, &c->x->plan->stages[giver], into);
    return;
  }
  say_whose (id, into);
  if (id)
    adze_buffer_format (into, "its input %s", input + strlen ("input."));
  else
    adze_buffer_text (into, "it");
  adze_buffer_text (into, " came from ");
  say_source (old, id, input, into);
  adze_buffer_text (into, ", comes from ");
  say_source (c->parts, id, input, into);
  adze_buffer_text (into, "\n");
}

/* Those of ONE that OTHER does not have, or all. */
static void
compare_givers (const adze_comparison *c, const adze_value *old, const char *id,
                const adze_value *one, const adze_value *other, adze_buffer *into)
{
  ADZE_AUTO_FREE char *beginning = adze_text_format ("%s/name.from.", id);
  size_t size = beginning ? strlen (beginning) : 0;
  for (size_t i = 0; size && i < one->count; i++) {
    const char *key = one->items[i]->key;
    if (strncmp (key, beginning, size) == 0 && !(other && adze_value_get (other, key)))
      adze_differs_input (c, old, id, key + size, into);
  }
}

/* ---- A stage. */

/* Rules have numbers, so that those behind one that was taken out look changed. */
static size_t
count_rules (const adze_value *parts, const char *id)
{
  size_t count = 0;
  for (;; count++) {
    ADZE_AUTO_FREE char *place = adze_text_format ("%s/rule %zu", id, count + 1);
    if (!place || !adze_key_text (parts, place, "match"))
      return count;
  }
}

static void
compare_rules (const adze_comparison *c, const adze_value *old, const char *id, adze_buffer *into)
{
  size_t was = count_rules (old, id), is = count_rules (c->parts, id);
  if (was != is)
    adze_buffer_format (into, "stage %s: it had %zu rules, has %zu\n", id, was, is);
}

static void
compare_stage (const adze_comparison *c, const char *id, adze_buffer *into)
{
  const adze_value *old = adze_record_of (c->records, id);
  const char *was = old ? adze_key_text (old, id, "technique") : NULL;
  const char *is = adze_key_text (c->parts, id, "technique");
  if (!old) {
    adze_buffer_format (into,
                        c->finished ? "stage %s was not there the last time\n"
                                    : "the last run did not come to the end of stage %s\n", id);
    return;
  }
  if (was && is && strcmp (was, is) != 0) {
    adze_buffer_format (into, "stage %s: technique was %s, is %s\n", id, was, is);
    return;
  }
  compare_rules (c, old, id, into);
  adze_key_explain (old, c->parts, id, into);
  compare_givers (c, old, id, c->parts, NULL, into);
  compare_givers (c, old, id, old, c->parts, into);
}

/* ---- What becomes of the result. */

/* NULL: it went on to another stage of the same pass, or to nobody. */
static const char *
kept_as (const adze_value *parts, const char *stage)
{
  const char *giver = adze_key_text (parts, NULL, "name.kept");
  return giver && strcmp (giver, stage) == 0 ? adze_key_text (parts, NULL, "kept") : NULL;
}

static void
say_kept (const adze_value *parts, const char *kept, adze_buffer *into)
{
  const char *path = adze_key_text (parts, ADZE_KEY_OUTPUT, "path");
  if (!kept)
    adze_buffer_text (into, "not kept");
  else if (strcmp (kept, "file") == 0)
    adze_buffer_format (into, "written to %s", path ? path : "a file");
  else
    adze_buffer_text (into, "kept among the results");
}

/* What becomes of what stage ID gives. */
static void
compare_kept (const adze_comparison *c, const char *id, adze_buffer *into)
{
  const adze_value *old = adze_record_of (c->records, id);
  const char *was = old ? kept_as (old, id) : NULL;
  const char *is = kept_as (c->parts, id);
  if (!old || (!was && !is))
    return;
  if (was && is && strcmp (was, is) == 0) {
    adze_key_explain (old, c->parts, ADZE_KEY_OUTPUT, into);
    return;
  }
  adze_buffer_format (into, "what stage %s gives was ", id);
  say_kept (old, was, into);
  adze_buffer_text (into, ", is ");
  say_kept (c->parts, is, into);
  adze_buffer_text (into, "\n");
}

/* ---- Which stages run in one pass. */

/* Of the stages of LIST ("clip, cast") those that are in the plan and were there the last time. */
static adze_error *
common_stages (const adze_comparison *c, const char *list, char **common)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  for (const char *at = list; *at;) {
    size_t size = strcspn (at, ",");
    ADZE_AUTO_FREE char *id = strndup (at, size);
    if (!id)
      return adze_error_memory ();
    if (stage_called (c->x->plan, id) != SIZE_MAX && adze_record_of (c->records, id))
      adze_buffer_format (&text, "%s%s", text.size ? ", " : "", id);
    at += size;
    at += strspn (at, ", ");
  }
  return adze_buffer_finish (&text, common);
}

/* Stages that ran in the pass of OLD, and are not there now. */
static adze_error *
say_gone (const adze_comparison *c, const adze_value *old, adze_buffer *into)
{
  for (const char *at = adze_key_text (old, NULL, "stage"); *at;) {
    size_t size = strcspn (at, ",");
    ADZE_AUTO_FREE char *id = strndup (at, size);
    if (!id)
      return adze_error_memory ();
    if (stage_called (c->x->plan, id) == SIZE_MAX)
      adze_buffer_format (into, "stage %s, which ran in this pass, is no longer there\n", id);
    at += size;
    at += strspn (at, ", ");
  }
  return NULL;
}

/* The record of stage I of the segment; NULL: there is none, or a stage before has it as well. */
static const adze_value *
next_record (const adze_comparison *c, const adze_plan_segment *segment, size_t i)
{
  const adze_plan_stage *stages = &c->x->plan->stages[segment->first];
  const adze_value *old = adze_record_of (c->records, stages[i].stage->id);
  for (size_t k = 0; k < i; k++)
    if (old == adze_record_of (c->records, stages[k].stage->id))
      return NULL;
  return old;
}

static adze_error *
compare_passes (const adze_comparison *c, const adze_plan_segment *segment, adze_buffer *into)
{
  ADZE_AUTO (adze_buffer) passes = { 0 };
  ADZE_AUTO_FREE char *now = NULL;
  bool same = true;
  ADZE_TRY (common_stages (c, adze_key_text (c->parts, NULL, "stage"), &now));
  for (size_t i = 0; i < segment->count; i++) {
    ADZE_AUTO_FREE char *was = NULL;
    const adze_value *old = next_record (c, segment, i);
    if (!old)
      continue;
    ADZE_TRY (common_stages (c, adze_key_text (old, NULL, "stage"), &was));
    ADZE_TRY (say_gone (c, old, into));
    same = same && strcmp (was, now) == 0;
    adze_buffer_format (&passes, "%s(%s)", passes.size ? " and " : "",
                        adze_key_text (old, NULL, "stage"));
  }
  if (!same)
    adze_buffer_format (into, "the last time these stages ran so: %.*s\n", (int)passes.size,
                        passes.data);
  return NULL;
}

/* ---- All of it. */

/* What is of no stage: the seed, adze itself. */
static void
compare_run (const adze_comparison *c, const adze_plan_segment *segment, adze_buffer *into)
{
  for (size_t i = segment->count; i-- > 0;) {
    const char *id = c->x->plan->stages[segment->first + i].stage->id;
    const adze_value *old = adze_record_of (c->records, id);
    if (!old)
      continue;
    adze_key_explain (old, c->parts, NULL, into);
    return;
  }
}

adze_error *
adze_differs (const adze_comparison *c, size_t number, adze_buffer *made, adze_buffer *lying)
{
  const adze_plan_segment *segment = &c->x->plan->segments[number];
  for (size_t i = 0; i < segment->count; i++)
    compare_stage (c, c->x->plan->stages[segment->first + i].stage->id, made);
  compare_run (c, segment, made);
  for (size_t i = 0; i < segment->count; i++)
    compare_kept (c, c->x->plan->stages[segment->first + i].stage->id, lying);
  return compare_passes (c, segment, lying);
}
