/* SPDX-License-Identifier: Apache-2.0 */
/* run/stands.c: whether what a run has used is still what its results are kept under: the files of its
 * inputs and of parameters, plugins, libraries.
 *
 * Files of parameters are held against what they were before anybody could read them, which is when the
 * parameters were bound. Whatever else a key has is held against the key of before the work. */
#include <string.h>

#include "run/execution.h"

/* ---- Inputs. */

/* Somebody gave a file of input NUMBER another name or owner, or wrote into it and put the time back:
 * only its bytes tell. They are held against what was read, where that is known. */
static adze_error *
check_again (const adze_execution *x, size_t number, bool sure)
{
  const adze_model *file = x->plan->inputs[number]->file;
  adze_hash128 was, now;
  bool known = false;
  if (sure)
    ADZE_TRY (adze_content_known (x, number, &known, &was));
  if (known) {
    ADZE_TRY (adze_content_read (x->plan->runtime, file, &now));
    if (now.low == was.low && now.high == was.high)
      return NULL;
  }
  return adze_model_changed (file->path);
}

adze_error *
adze_content_stands (const adze_execution *x, bool sure)
{
  for (size_t i = 0; i < x->plan->pipeline->input_count; i++) {
    const adze_model *file = x->plan->inputs[i] ? x->plan->inputs[i]->file : NULL;
    bool touched = false;
    if (file)
      ADZE_TRY (adze_model_stands (file, &touched));
    if (touched)
      ADZE_TRY (check_again (x, i, sure));
  }
  return NULL;
}

/* ---- Parameters. */

static adze_error *
changed (const char *stage, const char *what)
{
  adze_error *error = adze_error_new (ADZE_E_IO, "stage '%s': %s changed while the run was under way",
                                      stage, what);
  adze_error_set (error, "stage", stage);
  adze_error_set (error, "hint",
                  "run it again; what was made belongs to no version of it and is not kept");
  return error;
}

static adze_error *
changed_file (const char *stage, const struct adze_param_value *value)
{
  ADZE_AUTO_FREE char *what = adze_text_format ("%s, the file of parameter '%s',", value->string,
                                                value->name);
  adze_error *error = what ? changed (stage, what) : adze_error_memory ();
  adze_error_set (error, "file", value->string);
  return error;
}

/* Somebody gave it another link or owner; or wrote into it and put the time back, which its bytes tell,
 * where they were read before. */
static adze_error *
only_touched (adze_execution *x, const struct adze_param_value *value,
              const adze_file_identity *now, bool *same)
{
  const adze_file_identity *was = &value->file;
  adze_hash128 old, is;
  *same = false;
  if (now->device != was->device || now->inode != was->inode || now->size != was->size
      || now->mtime_ns != was->mtime_ns || !adze_known_get (x->folder, was, "file", &old))
    return NULL;
  ADZE_TRY (adze_content_file (x, value->string, &is));
  *same = old.low == is.low && old.high == is.high;
  return NULL;
}

static adze_error *
check_params (adze_execution *x, const char *stage, const adze_params *params)
{
  for (size_t i = 0; params && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    bool same = true;
    ADZE_TRY (check_params (x, stage, value->nested));
    if (value->type != ADZE_PARAM_FILE || value->string[0] == '\0')
      continue;
    adze_file_identity now = adze_file_identity_at (value->string);
    if (!adze_file_identity_equal (&now, &value->file))
      ADZE_TRY (only_touched (x, value, &now, &same));
    if (!same)
      return changed_file (stage, value);
  }
  return NULL;
}

static adze_error *
check_stage (adze_execution *x, const adze_plan_stage *planned)
{
  const char *id = planned->stage->id;
  for (size_t i = 0; adze_instance_params (planned->instance, i); i++)
    ADZE_TRY (check_params (x, id, adze_instance_params (planned->instance, i)));
  if (adze_instance_uses (planned->instance, planned->stage->record))
    return NULL;
  ADZE_AUTO_FREE char *what = adze_text_format ("the plugin %s", planned->stage->record->path);
  return what ? changed (id, what) : adze_error_memory ();
}

adze_error *
adze_stages_stand (adze_execution *x, const adze_plan_segment *segment)
{
  for (size_t i = 0; i < segment->count; i++)
    ADZE_TRY (check_stage (x, &x->plan->stages[segment->first + i]));
  return NULL;
}

/* A file that is being written may be empty or half of it for whoever reads it now, and what they say of it then
 * is not why the run failed. */
adze_error *
adze_stages_blame (adze_execution *x, const adze_plan_segment *segment, adze_error *error)
{
  if (adze_error_status (error) == ADZE_E_CANCELLED)
    return error;
  ADZE_AUTO_ERROR changed = adze_stages_stand (x, segment);
  if (!changed || strcmp (adze_error_message (changed), adze_error_message (error)) == 0)
    return error;
  return adze_error_wrap (error, "%s", adze_error_message (changed));
}

/* ---- Everything. */

static bool
same_key (const adze_key *a, const adze_key *b)
{
  adze_hash128 one = adze_key_hash (a), other = adze_key_hash (b);
  return one.low == other.low && one.high == other.high;
}

/* WHAT did it; the keys tell in words what is otherwise, a line each. */
static adze_error *
key_changed (const char *what, const char *place, const adze_key *before, const adze_key *now)
{
  ADZE_AUTO (adze_buffer) words = { 0 };
  ADZE_AUTO_FREE char *text = NULL;
  adze_key_explain (before->parts, now->parts, place, &words);
  ADZE_TRY (adze_buffer_finish (&words, &text));
  size_t size = strlen (text);
  if (size == 0)
    return NULL;
  text[size - 1] = '\0';
  adze_error *error = adze_error_new (ADZE_E_IO, "a file that %s reads changed while it ran: %s", what,
                                      text);
  adze_error_set (error, "hint",
                  "run it again; nobody can tell what it has read, and what was made is not kept");
  return error;
}

static adze_error *
segment_changed (const adze_execution *x, const adze_plan_segment *segment, const adze_key *before,
                 const adze_key *now)
{
  adze_error *error = NULL;
  for (size_t i = 0; !error && i < segment->count; i++) {
    const char *id = x->plan->stages[segment->first + i].stage->id;
    ADZE_AUTO_FREE char *what = adze_text_format ("stage '%s'", id);
    error = what ? key_changed (what, id, before, now) : adze_error_memory ();
    adze_error_set (error, "stage", id);
  }
  if (!error)
    error = key_changed ("the output", ADZE_KEY_OUTPUT, before, now);
  return error ? error
               : adze_error_new (ADZE_E_IO, "something that stage '%s' reads changed while it ran",
                                 x->plan->stages[segment->first].stage->id);
}

static adze_error *
check_all (adze_execution *x, const adze_plan_segment *segment, const adze_key *before)
{
  ADZE_AUTO (adze_key) now = { 0 };
  ADZE_TRY (adze_stages_stand (x, segment));
  ADZE_TRY (adze_content_key (x, segment, true, &now));
  return same_key (before, &now) ? NULL : segment_changed (x, segment, before, &now);
}

adze_error *
adze_segment_stands (adze_execution *x, const adze_plan_segment *segment, const adze_key *before)
{
  adze_error *error = check_all (x, segment, before);
  if (!error)
    return NULL;
  /* Somebody may put back what was there: what is half done was not all made with that. */
  ADZE_AUTO_ERROR stays = adze_journal_forget (x->folder, adze_key_hash (before));
  if (stays)
    adze_event_bus_log (x->plan->runtime->bus, NULL, ADZE_LOG_WARNING, "%s",
                        adze_error_message (stays));
  return error;
}

adze_error *
adze_output_stands (adze_execution *x, size_t number, const adze_plan_model *model,
                    const adze_key *before)
{
  ADZE_AUTO (adze_key) now = { 0 };
  ADZE_TRY (adze_output_key (x, number, model, &now));
  if (same_key (before, &now))
    return NULL;
  adze_error *error = key_changed ("the output", ADZE_KEY_OUTPUT, before, &now);
  return error ? error
               : adze_error_new (ADZE_E_IO, "something that the output depends on changed while it "
                                 "was written");
}

/* Of others, such as formats, what is no longer there says so once it is needed. */
static void
note_others (adze_runtime *runtime)
{
  char build[ADZE_DIGEST_TEXT];
  for (size_t i = 0; i < runtime->record_count; i++)
    if (runtime->records[i]->loaded)
      adze_error_free (adze_record_build (runtime->records[i], build));
}

static adze_error *
note_params (adze_execution *x, const adze_params *params)
{
  for (size_t i = 0; params && i < params->count; i++) {
    const struct adze_param_value *value = &params->values[i];
    adze_hash128 hash;
    ADZE_TRY (note_params (x, value->nested));
    if (value->type == ADZE_PARAM_FILE && value->string[0] != '\0')
      ADZE_TRY (adze_content_file (x, value->string, &hash));
  }
  return NULL;
}

static adze_error *
note_stage (adze_execution *x, const adze_plan_stage *planned)
{
  adze_plugin_record *record = planned->stage->record;
  char build[ADZE_DIGEST_TEXT];
  const char *library = NULL;
  for (size_t i = 0; adze_instance_params (planned->instance, i); i++)
    ADZE_TRY (note_params (x, adze_instance_params (planned->instance, i)));
  ADZE_TRY (adze_record_build (record, build));
  for (size_t i = 0; i == 0 || library; i++)
    ADZE_TRY (adze_record_library (x->plan->runtime, record, i, &library));
  return NULL;
}

adze_error *
adze_used_note (adze_execution *x)
{
  for (size_t i = 0; i < x->plan->stage_count; i++)
    ADZE_TRY (note_stage (x, &x->plan->stages[i]));
  note_others (x->plan->runtime);
  return NULL;
}
