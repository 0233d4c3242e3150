/* SPDX-License-Identifier: Apache-2.0 */
/* run/segment.c: one segment: reductions, the last pass, and what is checked before it counts. */
#include <string.h>
#include <time.h>

#include "run/execution.h"
#include "run/parts.h"

/* What a segment has while it runs. */
typedef struct segment_state {
  adze_execution *x;
  size_t number;
  const adze_plan_segment *segment;
  adze_key before; /* the journal's, in words */
  adze_hash128 journal;
  adze_hash128 *source_hashes; /* NULL: the source's content is known, or is a segment's */
  bool *source_known;
  adze_ledger **ledgers; /* one a stage; NULL where it has not observed */
  adze_sink *sink;
  bool resumed;
} segment_state;

static void
segment_state_cleanup (segment_state *s)
{
  adze_key_cleanup (&s->before);
  free (s->source_hashes);
  free (s->source_known);
  for (size_t i = 0; s->ledgers && i < s->segment->count; i++)
    adze_ledger_close (s->ledgers[i]);
  free (s->ledgers);
  adze_sink_close (s->sink, true);
}

static adze_plan_stage *
stage_of (const segment_state *s, size_t index)
{
  return &s->x->plan->stages[s->segment->first + index];
}

static bool
is_reduction (const adze_plan_stage *planned)
{
  return planned->facts->observes && planned->facts->effect == ADZE_CHANGES;
}

/* ---- Passes. */

static adze_error *
run_pass (segment_state *s, size_t observed, adze_pass *pass)
{
  *pass = (adze_pass){ .plan = s->x->plan,
                       .segment = s->segment,
                       .observed = observed,
                       .folder = s->x->folder,
                       .journal = s->journal,
                       .sink = observed == SIZE_MAX ? s->sink : NULL,
                       .seen = s->x->seen,
                       .ledgers = s->ledgers,
                       .resumed = s->resumed,
                       .told = s->x->told,
                       .cancel = s->x->cancel,
                       .source_hashes = observed == SIZE_MAX ? s->source_hashes : NULL,
                       .source_known = s->source_known,
                       .bytes_read = &s->x->bytes_read,
                       .bytes_found_all = &s->x->bytes_found,
                       .number = s->number,
                       .of = s->x->plan->segment_count,
                       .lanes = s->x->plan->lanes };
  adze_told_at_work (s->x->told, true);
  adze_error *error = adze_pass_run (pass);
  adze_told_at_work (s->x->told, false);
  return error;
}

/* ---- Reductions. */

/* Looks at everything as often as the stage asks for. */
static adze_error *
observe_until_decided (segment_state *s, size_t index)
{
  enum { ROUNDS_MOST = 64 };
  size_t number = s->segment->first + index;
  bool again = true;
  for (unsigned round = 0; again; round++) {
    adze_pass pass;
    if (round == ROUNDS_MOST)
      return adze_error_new (ADZE_E_CONTRACT,
                             "stage '%s' wants to observe for the %uth time; at most %u are possible",
                             stage_of (s, index)->stage->id, round + 1, ROUNDS_MOST);
    adze_error *error = run_pass (s, number, &pass);
    if (!error)
      error = adze_decide (s->x, &pass, number, &again);
    adze_pass_cleanup (&pass);
    ADZE_TRY (error);
  }
  return NULL;
}

/* What it decides may change what the stages behind it get. */
static adze_error *
settle_description (segment_state *s, size_t index)
{
  size_t number = s->segment->first + index;
  ADZE_TRY (adze_plan_describe (s->x->plan, number, true));
  return adze_plan_describe_from (s->x->plan, number + 1);
}

static adze_error *
reduce (segment_state *s, size_t index)
{
  size_t number = s->segment->first + index;
  const char *id = stage_of (s, index)->stage->id;
  adze_ledger **ledger = &s->ledgers[index];
  bool enough = false;
  adze_told_forget (s->x->told, id);
  ADZE_TRY (adze_ledger_find (s->x->folder, s->journal, id, ledger));
  if (*ledger)
    ADZE_TRY (adze_decide_again (s->x->plan, number, *ledger, &enough));
  if (!enough) {
    adze_ledger_close (adze_take (ledger));
    adze_told_forget (s->x->told, id);
    ADZE_TRY (observe_until_decided (s, index));
    /* Who fell back observes again after a kill, and says so again. */
    if (!adze_told_fell_back (s->x->told, id))
      ADZE_TRY (adze_ledger_keep (*ledger, s->x->folder, s->journal, id));
  }
  return settle_description (s, index);
}

/* ---- Before the last pass. */

/* Decisions that were taken change what is written: they are part of the key. */
static adze_error *
journal_key (segment_state *s)
{
  ADZE_TRY (adze_content_key (s->x, s->segment, true, &s->before));
  s->journal = adze_key_hash (&s->before);
  return adze_stages_stand (s->x, s->segment);
}

/* The content of an input is hashed on the way, where nobody knows it yet. */
static adze_error *
prepare_source (segment_state *s)
{
  const adze_plan_model *source = s->segment->source;
  adze_hash128 hash;
  bool known;
  if (!source || source->input == SIZE_MAX)
    return NULL;
  ADZE_TRY (adze_content_of_input (s->x, source->input, false, &known, &hash));
  if (known)
    return NULL;
  s->source_hashes = calloc (source->view.count + 1, sizeof *s->source_hashes);
  s->source_known = calloc (source->view.count + 1, sizeof *s->source_known);
  return s->source_hashes && s->source_known ? NULL : adze_error_memory ();
}

static adze_error *
store_path (segment_state *s, char **path)
{
  return adze_result_path (s->x->folder, s->journal, "data", path);
}

static adze_error *
open_sink_as (segment_state *s, adze_resume resume)
{
  const adze_plan_segment *segment = s->segment;
  const adze_plan *plan = s->x->plan;
  if (segment->output == SIZE_MAX) {
    ADZE_AUTO_FREE char *path = NULL;
    ADZE_TRY (store_path (s, &path));
    return adze_sink_open_store (path, &segment->result->view, resume, &s->resumed, &s->sink);
  }
  char tag[ADZE_HASH_TEXT];
  adze_format_options options;
  ADZE_TRY (adze_part_tag (s->x->folder, s->journal,
                           plan->pipeline->outputs[segment->output].path, tag));
  ADZE_TRY (adze_format_options_of (s->x->plan, segment->output, &options));
  return adze_sink_open_output (plan->runtime, plan->pipeline->outputs[segment->output].path,
                                &options, &segment->result->view, tag, resume, &s->resumed,
                                &s->sink);
}

/* An earlier try may have come as far as giving the files their names, and no further. */
static adze_error *
open_sink (segment_state *s)
{
  const adze_plan_model *result = s->segment->result;
  bool sound = false;
  if (!result)
    return NULL;
  if (!adze_journal_is_complete (s->x->folder, s->journal, &result->view))
    return open_sink_as (s, ADZE_RESUME_PARTS);
  ADZE_TRY (open_sink_as (s, ADZE_RESUME_WHOLE));
  if (s->resumed)
    ADZE_TRY (adze_journal_verify (s->x->folder, s->journal, s->sink, &result->view, &sound));
  if (sound)
    return NULL;
  adze_sink_close (adze_take (&s->sink), true);
  ADZE_TRY (adze_journal_forget (s->x->folder, s->journal));
  return open_sink_as (s, ADZE_RESUME_PARTS);
}

/* ---- After it. */

/* A stage may say of a tensor what was true of it before. */
static bool
is_news (const adze_plan_stage *planned, const adze_outline_trait *said)
{
  const adze_value *before = NULL;
  for (size_t i = 0; planned->port_count > 0 && i < planned->outline_ports[0].count; i++)
    if (strcmp (planned->outline_ports[0].tensors[i].meta->name, said->tensor) == 0)
      before = adze_value_get (planned->outline_ports[0].tensors[i].traits, said->id);
  return said->json ? !before || !adze_value_equal (before, said->json) : before != NULL;
}

static bool
edits_something (const adze_plan_stage *planned)
{
  if (planned->outline.edit_count > 0)
    return true;
  for (size_t i = 0; i < planned->outline.trait_count; i++)
    if (is_news (planned, &planned->outline.traits[i]))
      return true;
  for (size_t i = 0; i < planned->outline.group_count; i++)
    if (adze_plan_group_edits (planned, i))
      return true;
  return false;
}

adze_error *
adze_nothing_changed (adze_execution *x, const adze_plan_stage *planned)
{
  adze_error *error = adze_plan_no_effect (x->plan, planned, "changed nothing",
                                           "that it was asked to work on came out as they went in");
  if (planned->stage->no_effect_is_error)
    return error;
  adze_event_bus_log (x->plan->runtime->bus, planned->stage->id, ADZE_LOG_WARNING, "%s",
                      adze_error_message (error));
  adze_error_free (error);
  return NULL;
}

static adze_error *
check_effect (segment_state *s, const adze_plan_stage *planned, const adze_pass_effect *effect)
{
  const char *id = planned->stage->id;
  uint64_t tensors = atomic_load (&effect->tensors_changed);
  const adze_field fields[] = {
    ADZE_FIELD_TEXT ("stage", id),
    ADZE_FIELD_NUMBER ("tensors", (int64_t)atomic_load (&effect->tensors)),
    ADZE_FIELD_NUMBER ("tensors-changed", (int64_t)tensors),
  };
  adze_tell (s->x, id, "stage.effect", fields, ADZE_COUNT_OF (fields));
  ADZE_TRY (adze_told_metric (s->x->told, id, "tensors-changed", (double)tensors, ""));
  return tensors > 0 || edits_something (planned) ? NULL : adze_nothing_changed (s->x, planned);
}

static adze_error *
check_effects (segment_state *s, const adze_pass *pass)
{
  for (size_t i = 0; i < s->segment->count; i++)
    if (stage_of (s, i)->facts->effect == ADZE_CHANGES)
      ADZE_TRY (check_effect (s, stage_of (s, i), &pass->effects[i]));
  return NULL;
}

/* What deciding once more does not tell again, for whoever finds the result instead of making it. */
static const char *const kept_parts[] = { "metrics", "fallbacks", "warnings" };

static adze_error *
keep_told (segment_state *s, adze_value *facts)
{
  adze_value *stages = adze_json_table (facts, "told");
  for (size_t i = 0; stages && i < s->segment->count; i++) {
    const char *id = stage_of (s, i)->stage->id;
    ADZE_AUTO_VALUE told = NULL;
    ADZE_TRY (adze_told_value (s->x->told, id, &told));
    adze_value *own = adze_json_table (stages, id);
    for (size_t k = 0; own && k < ADZE_COUNT_OF (kept_parts); k++) {
      const adze_value *part = adze_value_get (told, kept_parts[k]);
      if (part)
        ADZE_TRY (adze_value_append (own, kept_parts[k], adze_value_copy (part)));
    }
  }
  return adze_json_failed (facts) ? adze_error_memory () : NULL;
}

static adze_error *
recall_told (adze_execution *x, const adze_value *facts)
{
  const adze_value *stages = adze_value_get (facts, "told");
  for (size_t i = 0; stages && i < stages->count; i++)
    ADZE_TRY (adze_told_recall (x->told, stages->items[i]->key, stages->items[i]));
  return NULL;
}

/* What was only warned of when the result was made may be an error now. */
static adze_error *
check_again (adze_execution *x, const adze_plan_segment *segment)
{
  for (size_t i = 0; i < segment->count; i++) {
    const adze_plan_stage *planned = &x->plan->stages[segment->first + i];
    adze_reading tensors;
    if (planned->facts->effect == ADZE_CHANGES
        && adze_told_number (x->told, planned->stage->id, "tensors-changed", &tensors)
        && tensors.number == 0 && !edits_something (planned))
      ADZE_TRY (adze_nothing_changed (x, planned));
  }
  return adze_fallbacks_check (x, segment, false);
}

/* Those that only look have looked by now; one that wants to look again gets passes of its own. */
static adze_error *
decide_inspections (segment_state *s, adze_pass *pass)
{
  for (size_t i = 0; i < s->segment->count; i++) {
    const adze_plan_stage *planned = stage_of (s, i);
    bool again = false;
    if (planned->facts->effect != ADZE_INSPECTS || !planned->facts->observes)
      continue;
    adze_told_forget_decided (s->x->told, planned->stage->id);
    ADZE_TRY (adze_decide (s->x, pass, s->segment->first + i, &again));
    if (again)
      ADZE_TRY (observe_until_decided (s, i));
  }
  return NULL;
}

static adze_error *
last_pass (segment_state *s)
{
  adze_pass pass;
  adze_error *error = run_pass (s, SIZE_MAX, &pass);
  if (!error)
    error = decide_inspections (s, &pass);
  if (!error)
    error = check_effects (s, &pass);
  adze_pass_cleanup (&pass);
  return error;
}

/* ---- The result. */

static adze_error *
keep_ledgers (segment_state *s, adze_hash128 key, adze_value *facts)
{
  for (size_t i = 0; i < s->segment->count; i++) {
    const adze_plan_stage *planned = stage_of (s, i);
    if (!planned->facts->observes)
      continue;
    ADZE_AUTO_FREE char *name = adze_text_format ("decided.%s", planned->stage->id);
    ADZE_AUTO_FREE char *own = NULL;
    ADZE_AUTO_FREE char *path = NULL;
    if (!name)
      return adze_error_memory ();
    ADZE_TRY (adze_result_path (s->x->folder, key, name, &path));
    ADZE_TRY (adze_ledger_write (s->ledgers[i], path));
    ADZE_TRY (adze_result_add_file (facts, path));
    own = adze_ledger_path (s->x->folder, planned->stage->id);
    if (!own)
      return adze_error_memory ();
    ADZE_TRY (adze_ledger_write (s->ledgers[i], own));
  }
  return NULL;
}

static adze_error *
settle_content (segment_state *s)
{
  adze_hash128 hash;
  if (!s->source_hashes)
    return NULL;
  return adze_content_settle (s->x, s->segment->source->input, s->source_hashes, s->source_known,
                              &hash);
}

/* The store's files appear at once; an output's file waits until the whole run has gone well. */
static adze_error *
keep_result (segment_state *s)
{
  ADZE_AUTO (adze_key) key = { 0 };
  ADZE_AUTO_VALUE facts = adze_value_new (ADZE_VALUE_TABLE);
  if (!facts)
    return adze_error_memory ();
  ADZE_TRY (adze_content_key (s->x, s->segment, false, &key));
  ADZE_TRY (adze_segment_stands (s->x, s->segment, &s->before));
  s->x->segment_keys[s->number] = adze_key_hash (&key);
  ADZE_TRY (keep_ledgers (s, s->x->segment_keys[s->number], facts));
  ADZE_TRY (keep_told (s, facts));
  if (s->sink && s->segment->output != SIZE_MAX) {
    s->x->pending[s->number] = (adze_pending){ .sink = adze_take (&s->sink),
                                               .output = s->segment->output,
                                               .key = { adze_take (&key.parts) },
                                               .facts = adze_take (&facts),
                                               .journal = s->journal };
    return NULL;
  }
  if (s->sink) {
    ADZE_AUTO_FREE char *path = NULL;
    ADZE_TRY (store_path (s, &path));
    ADZE_TRY (adze_sink_commit (s->sink));
    adze_json_string (facts, "store", path);
    ADZE_TRY (adze_result_add_file (facts, path));
    adze_model_close (adze_take (&s->segment->result->file));
    ADZE_TRY (adze_store_open (path, &s->segment->result->view, &s->segment->result->file));
  }
  ADZE_TRY (adze_result_keep (s->x->folder, &key, facts));
  return adze_journal_forget (s->x->folder, s->journal);
}

/* ---- Recalling. */

static adze_error *
recall_stage (adze_execution *x, size_t number, adze_hash128 key)
{
  adze_plan_stage *planned = &x->plan->stages[number];
  bool enough = false;
  ADZE_AUTO_LEDGER ledger = NULL;
  ADZE_AUTO_FREE char *name = adze_text_format ("decided.%s", planned->stage->id);
  ADZE_AUTO_FREE char *own = adze_ledger_path (x->folder, planned->stage->id);
  ADZE_AUTO_FREE char *path = NULL;
  if (!name || !own)
    return adze_error_memory ();
  ADZE_TRY (adze_result_path (x->folder, key, name, &path));
  ADZE_TRY (adze_ledger_read (path, &ledger));
  adze_told_forget (x->told, planned->stage->id);
  if (ledger)
    ADZE_TRY (adze_decide_again (x->plan, number, ledger, &enough));
  if (!enough)
    return adze_error_new (ADZE_E_FORMAT, "%s does not hold what stage '%s' decided on", path,
                           planned->stage->id);
  ADZE_TRY (adze_ledger_write (ledger, own));
  ADZE_TRY (adze_plan_describe (x->plan, number, true));
  return adze_plan_describe_from (x->plan, number + 1);
}

adze_error *
adze_segment_recall (adze_execution *x, size_t number, const adze_key *key,
                     const adze_value *facts)
{
  const adze_plan_segment *segment = &x->plan->segments[number];
  x->segment_keys[number] = adze_key_hash (key);
  for (size_t i = 0; i < segment->count; i++)
    if (x->plan->stages[segment->first + i].facts->observes)
      ADZE_TRY (recall_stage (x, segment->first + i, x->segment_keys[number]));
  ADZE_TRY (recall_told (x, facts));
  ADZE_TRY (check_again (x, segment));
  const adze_value *store = adze_value_get (facts, "store");
  if (store && segment->result) {
    adze_model_close (adze_take (&segment->result->file));
    return adze_store_open (store->string, &segment->result->view, &segment->result->file);
  }
  return NULL;
}

/* ---- All of it. */

adze_error *
adze_segment_run (adze_execution *x, size_t number)
{
  const adze_plan_segment *segment = &x->plan->segments[number];
  ADZE_AUTO (segment_state) s = { .x = x, .number = number, .segment = segment };
  bool reduced = false;
  s.ledgers = calloc (segment->count + 1, sizeof *s.ledgers);
  if (!s.ledgers)
    return adze_error_memory ();
  ADZE_TRY (journal_key (&s));
  ADZE_TRY (prepare_source (&s));
  for (size_t i = 0; i < segment->count; i++)
    if (is_reduction (stage_of (&s, i))) {
      ADZE_TRY (reduce (&s, i));
      reduced = true;
    }
  ADZE_TRY (adze_plan_check_outputs (x->plan)); /* decisions made more of them known */
  ADZE_TRY (open_sink (&s));
  ADZE_TRY (last_pass (&s));
  ADZE_TRY (adze_fallbacks_check (x, segment, true));
  ADZE_TRY (settle_content (&s));
  ADZE_TRY (adze_content_stands (x, !reduced || !s.source_hashes));
  return keep_result (&s);
}
