/* SPDX-License-Identifier: Apache-2.0 */
/* run/why.c: what was done to a tensor, or to one weight of it, and why.
 *
 * Nothing is kept for it but the pipeline, and what each stage decided on. For a weight, the piece it
 * lies in goes through the stages once more, and its value is looked at between them. */
#include <inttypes.h>
#include <string.h>

#include "artifact/columns.h"
#include "base/json.h"
#include "run/execution.h"
#include "run/folder_private.h"
#include "run/way.h"

/* ---- What is asked. */

typedef struct why_question {
  const char *text;
  char *tensor;
  bool has_index;
  int32_t rank;
  int64_t index[ADZE_RANK_MAX];
} why_question;

/* "fc1.weight[3,17]". Names may have brackets in them: only numbers between the last ones count, and
 * those only where no tensor has the whole for its name (find_asked). */
static adze_error *
parse_question (const char *text, why_question *question)
{
  const char *open = strrchr (text, '[');
  size_t size = strlen (text);
  *question = (why_question){ .text = text, .tensor = strdup (text) };
  if (!question->tensor)
    return adze_error_memory ();
  if (!open || text[size - 1] != ']' || open + 2 >= text + size
      || strspn (open + 1, "0123456789, ") != size - 2 - (size_t)(open - text))
    return NULL;
  question->tensor[open - text] = '\0';
  question->has_index = true;
  for (const char *at = open + 1; *at && *at != ']';) {
    char *end;
    if (question->rank == ADZE_RANK_MAX)
      return adze_error_new (ADZE_E_PARAM, "'%s' has too many numbers", text);
    question->index[question->rank++] = strtoll (at, &end, 10);
    at = end + strspn (end, ", ");
    if (end == open + 1)
      break;
  }
  return NULL;
}

static adze_error *
flat_index (const why_question *question, const adze_tensor_meta *meta, uint64_t *flat)
{
  ADZE_AUTO (adze_buffer) shape = { 0 };
  ADZE_AUTO_FREE char *text = NULL;
  *flat = 0;
  bool fits = question->rank == meta->rank;
  for (int32_t i = 0; fits && i < meta->rank; i++) {
    fits = question->index[i] >= 0 && question->index[i] < meta->shape[i];
    *flat = *flat * (uint64_t)meta->shape[i] + (uint64_t)question->index[i];
  }
  if (fits)
    return NULL;
  adze_shape_text (meta->rank, meta->shape, &shape);
  ADZE_TRY (adze_buffer_finish (&shape, &text));
  return adze_error_new (ADZE_E_PARAM, "'%s' has the shape %s; the index does not lie in it",
                         meta->name, text);
}

/* ---- The plan as it was. */

typedef struct why_state {
  adze_runtime *runtime;
  char *folder;
  adze_pipeline *pipeline;
  adze_plan *plan;
  why_question question;
  adze_buffer text;
  adze_value *stages; /* JSON */
} why_state;

static void
why_state_cleanup (why_state *s)
{
  adze_plan_close (s->plan);
  adze_pipeline_close (s->pipeline);
  free (s->folder);
  free (s->question.tensor);
  adze_buffer_cleanup (&s->text);
}

/* Lets all stages decide what they decided then. */
static adze_error *
decide_as_then (why_state *s)
{
  for (size_t i = 0; i < s->plan->stage_count; i++) {
    adze_plan_stage *planned = &s->plan->stages[i];
    ADZE_AUTO_LEDGER ledger = NULL;
    bool enough = false;
    /* Behind a stage that has to run before anybody knows what it gives, nobody knows. */
    if (!planned->facts->observes || planned->facts->effect != ADZE_CHANGES || !planned->described)
      continue;
    ADZE_AUTO_FREE char *path
        = adze_text_format ("%s/decided.%s", s->folder, planned->stage->id);
    if (!path)
      return adze_error_memory ();
    ADZE_TRY (adze_ledger_read (path, &ledger));
    if (ledger)
      ADZE_TRY (adze_decide_again (s->plan, i, ledger, &enough));
    if (!enough)
      return adze_error_new (ADZE_E_NOT_FOUND,
                             "%s is not there or not whole, so what stage '%s' decided is not known; "
                             "was the run finished?", path, planned->stage->id);
    ADZE_TRY (adze_plan_describe (s->plan, i, true));
    ADZE_TRY (adze_plan_describe_from (s->plan, i + 1));
  }
  return NULL;
}

static adze_error *
read_document (const char *folder, const char *name, adze_document *document)
{
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/%s", folder, name);
  ADZE_AUTO_FREE char *content = NULL;
  size_t size = 0;
  if (!path)
    return adze_error_memory ();
  adze_error *error = adze_file_read (path, (size_t)64 << 20, &content, &size);
  if (error)
    return adze_error_wrap (error, "%s lacks %s: the run did not come to its end", folder, name);
  return adze_json_parse (path, content, size, document);
}

/* Text NUMBER of LIST, one entry an input; NULL: the run has left none, or "". */
static const char *
text_at (const adze_value *list, size_t number)
{
  bool has = list && list->type == ADZE_VALUE_LIST && number < list->count
             && list->items[number]->type == ADZE_VALUE_STRING && list->items[number]->string[0];
  return has ? list->items[number]->string : NULL;
}

/* One that was copied, or touched, holds what it held: only reading all of it shows that. */
static adze_error *
check_content (const why_state *s, const adze_model *file, const char *then)
{
  adze_hash128 hash;
  char now[ADZE_HASH_TEXT] = "";
  if (then) {
    ADZE_TRY (adze_content_read (s->runtime, file, &hash));
    adze_hash_text (hash, now);
    if (strcmp (now, then) == 0)
      return NULL;
  }
  adze_error *error = adze_error_new (
      ADZE_E_NOT_FOUND, "%s is not the file any more that it was when %s was made", file->path,
      s->folder);
  adze_error_set (error, "file", file->path);
  adze_error_set (error, "hint",
                  "put the file back that was there then, or run the pipeline again and ask about "
                  "that run");
  return error;
}

/* What is shown was true of the files as they were. */
static adze_error *
check_inputs (const why_state *s, const adze_value *origin)
{
  const adze_value *inputs = adze_value_get (origin, "inputs");
  const adze_value *contents = adze_value_get (origin, "contents");
  for (size_t i = 0; i < s->pipeline->input_count; i++) {
    const adze_plan_model *model = s->plan->inputs[i];
    const char *then = text_at (inputs, i);
    char now[ADZE_HASH_TEXT];
    if (!model || !then)
      continue;
    adze_identity_text (model->file, now);
    if (strcmp (now, then) != 0)
      ADZE_TRY (check_content (s, model->file, text_at (contents, i)));
  }
  return NULL;
}

static adze_error *
open_state (why_state *s, const char *runs, const char *run)
{
  ADZE_TRY (adze_runs_find (runs ? runs : "adze-runs", run, &s->folder));
  ADZE_AUTO_FREE char *path = adze_text_format ("%s/pipeline.toml", s->folder);
  ADZE_AUTO (adze_document) origin = { 0 };
  if (!path)
    return adze_error_memory ();
  ADZE_TRY (read_document (s->folder, "origin.json", &origin));
  const adze_value *folder = adze_value_get (origin.root, "folder");
  if (!folder || folder->type != ADZE_VALUE_STRING)
    return adze_error_new (ADZE_E_FORMAT, "%s does not say where its pipeline came from",
                           origin.path);
  ADZE_TRY (adze_pipeline_read_in (s->runtime, path, folder->string, NULL, true, &s->pipeline));
  ADZE_TRY (adze_plan_make (s->pipeline, &s->plan));
  ADZE_TRY (check_inputs (s, origin.root));
  return decide_as_then (s);
}

/* ---- The tensor that is asked about. */

static adze_error *
unknown_tensor (const why_state *s)
{
  const adze_plan_model *model = s->plan->stage_count ? s->plan->stages[0].ports[0].model : NULL;
  const char **names = model ? calloc (model->view.count + 1, sizeof *names) : NULL;
  const char *meant = NULL;
  for (size_t i = 0; names && i < model->view.count; i++)
    names[i] = model->view.tensors[i].meta.name;
  if (names)
    meant = adze_nearest (s->question.tensor, names, model->view.count);
  adze_error *error = adze_error_new (ADZE_E_NOT_FOUND, "no stage of %s had a tensor '%s'",
                                      s->folder, s->question.tensor);
  if (meant)
    adze_error_setf (error, "hint", "did you mean '%s'?", meant);
  free (names);
  return error;
}

/* ---- What was told then. */

/* One that has a dimension and an index is about what lies there, and only told where that is asked about. */
static bool
is_elsewhere (const why_question *question, const adze_value *line)
{
  const adze_value *dimension = adze_value_get (line, "dimension"), *index = adze_value_get (line, "index");
  if (!dimension || !index || dimension->type != ADZE_VALUE_INT || index->type != ADZE_VALUE_INT)
    return false;
  return !question->has_index || dimension->integer < 0 || dimension->integer >= question->rank
         || question->index[dimension->integer] != index->integer;
}

/* Those of LIST that are about this tensor, and, unless only OWN ones are wanted, those about all. */
static adze_error *
add_lines (why_state *s, const adze_value *list, const char *tensor, bool own, adze_value *into)
{
  for (size_t i = 0; list && i < list->count; i++) {
    const adze_value *line = list->items[i];
    const char *about = adze_record_text (line, "tensor");
    bool of_all = !about || !about[0];
    if ((of_all ? own : strcmp (about, tensor) != 0) || is_elsewhere (&s->question, line))
      continue;
    adze_value *copy = adze_json_table (into, NULL);
    if (!copy)
      return adze_error_memory ();
    for (size_t k = 0; k < line->count; k++) {
      ADZE_AUTO (adze_buffer) shown = { 0 };
      if (strcmp (line->items[k]->key, "tensor") == 0)
        continue;
      adze_value_write_toml (line->items[k], &shown);
      adze_buffer_safe_line (&s->text, "    %s = %s", line->items[k]->key,
                             shown.data ? shown.data : "");
      ADZE_TRY (adze_value_append (copy, line->items[k]->key, adze_value_copy (line->items[k])));
    }
  }
  return NULL;
}

/* What a stage decided, and the tensor's rows in its tables. */
static adze_error *
add_told (why_state *s, const adze_value *report, const char *stage, const char *tensor,
          adze_value *into)
{
  const adze_value *told = adze_value_get (adze_value_get (report, "stages"), stage);
  const adze_value *tables = adze_value_get (told, "tables");
  ADZE_TRY (add_lines (s, adze_value_get (told, "decisions"), tensor, false,
                       adze_json_list (into, "decisions")));
  adze_value *rows = tables ? adze_json_table (into, "tables") : NULL;
  for (size_t i = 0; tables && i < tables->count; i++)
    ADZE_TRY (add_lines (s, tables->items[i], tensor, true,
                         adze_json_list (rows, tables->items[i]->key)));
  return NULL;
}

/* The code that it became, by which scale, and by how much it was moved. */
static void
add_code (why_state *s, const adze_element_trace *trace, adze_value *into)
{
  const adze_coded_number *coded = &trace->coded;
  char text[ADZE_REAL_TEXT];
  adze_json_string (into, "codec", coded->codec);
  adze_buffer_safe_format (&s->text, ", by codec '%s'", coded->codec);
  if (coded->has_code) {
    adze_json_float (into, "code", coded->code);
    adze_buffer_format (&s->text, ", code %.0f", coded->code);
  }
  if (coded->has_scale) {
    adze_real_text (coded->scale, text);
    adze_json_float (into, "scale", coded->scale);
    adze_buffer_format (&s->text, ", scale %s", text);
  }
  adze_real_text (trace->after - trace->before, text);
  adze_json_float (into, "error", trace->after - trace->before);
  adze_buffer_format (&s->text, ", error %s", text);
}

static adze_error *
add_stage (why_state *s, const adze_value *report, const adze_plan_stage *planned,
           const adze_way *way, const adze_element_trace *trace)
{
  const adze_plan_port *port = &planned->ports[way->port];
  const char *name = port->model->view.tensors[way->taken].meta.name;
  const adze_plan_rule none = { .rule = SIZE_MAX };
  const adze_plan_rule *rule = port->rules ? &port->rules[way->taken] : &none;
  adze_value *into = adze_json_table (s->stages, NULL);
  adze_json_string (into, "stage", planned->stage->id);
  adze_json_string (into, "use", planned->stage->use);
  adze_json_string (into, "port", port->name);
  adze_json_string (into, "tensor", name);
  adze_buffer_format (&s->text, "  %s (%s)", planned->stage->id, planned->stage->use);
  if (way->port != 0)
    adze_buffer_safe_format (&s->text, ", as its '%s'", port->name);
  if (rule->rule != SIZE_MAX) {
    const char *match = planned->stage->rules[rule->rule].match;
    adze_json_string (into, "rule", match);
    adze_buffer_safe_format (&s->text, ", by rule '%s'", match);
  }
  if (rule->skip) {
    adze_json_bool (into, "skipped", true);
    adze_buffer_text (&s->text, ": skipped\n");
    return NULL;
  }
  adze_buffer_text (&s->text, planned->facts->effect == ADZE_INSPECTS ? ": looked at it" : "");
  if (trace && trace->seen) {
    char from[ADZE_REAL_TEXT], to[ADZE_REAL_TEXT];
    adze_real_text (trace->before, from);
    adze_real_text (trace->after, to);
    adze_json_float (into, "before", trace->before);
    adze_json_float (into, "after", trace->after);
    adze_buffer_format (&s->text, ": %s -> %s", from, to);
    if (trace->coded.known)
      add_code (s, trace, into);
  } else if (trace && planned->facts->effect != ADZE_INSPECTS) {
    /* It is no plain number, or it is made with a model that was kept in between: a later segment's,
     * or an earlier one's that goes in beside it. */
    adze_json_bool (into, "followed", false);
    adze_buffer_text (&s->text, ": its value cannot be followed here");
  }
  adze_buffer_text (&s->text, "\n");
  return add_told (s, report, planned->stage->id, name, into);
}

/* ---- Its way. */

/* "w[0]" is a tensor of that name, where there is one, and else an index into "w". */
static void
find_asked (why_state *s, const adze_plan_model **first, size_t *origin, adze_way *way)
{
  *first = NULL;
  if (s->question.has_index)
    adze_way_find (s->plan, s->question.text, first, origin, way);
  s->question.has_index = s->question.has_index && !*first;
  if (!*first)
    adze_way_find (s->plan, s->question.tensor, first, origin, way);
}

static adze_error *
add_stages (why_state *s, const adze_value *report, const adze_way *way,
            const adze_element_trace *trace)
{
  const adze_plan *plan = s->plan;
  const adze_plan_stage *last = NULL;
  for (size_t i = 0; i < plan->stage_count; i++) {
    if (way[i].port == SIZE_MAX)
      continue;
    ADZE_TRY (add_stage (s, report, &plan->stages[i], &way[i],
                         s->question.has_index ? &trace[i] : NULL));
    last = &plan->stages[i];
  }
  if (!last)
    adze_buffer_text (&s->text, "  no stage was given it\n");
  else if (last->output && !last->described)
    adze_buffer_format (&s->text, "  and there it is lost sight of: what '%s' gives is known only by "
                                  "running it\n", last->stage->id);
  else if (way[last->number].given == SIZE_MAX)
    adze_buffer_text (&s->text, "  and there it ends: it was dropped, or taken into another\n");
  return NULL;
}

static adze_error *
other_places (const char *asked, const char *made_of)
{
  adze_error *error = adze_error_new (
      ADZE_E_PARAM, "'%s' is made of '%s' in another form, and of others perhaps: which element there an "
                    "index of it was is not known", asked, made_of);
  adze_error_setf (error, "hint", "ask about '%s' without an index, or about an element of '%s'", asked,
                   made_of);
  return error;
}

static adze_error *
answer (why_state *s, const adze_value *report, adze_value *root)
{
  const adze_plan *plan = s->plan;
  const adze_plan_model *first = NULL;
  size_t origin;
  if (plan->stage_count == 0 || plan->stages[0].port_count == 0)
    return adze_error_new (ADZE_E_UNSUPPORTED, "no stage of %s works on a model", s->folder);
  ADZE_AUTO_FREE adze_element_trace *trace = calloc (plan->stage_count, sizeof *trace);
  ADZE_AUTO_FREE adze_way *way = calloc (plan->stage_count, sizeof *way);
  if (!trace || !way)
    return adze_error_memory ();
  find_asked (s, &first, &origin, way);
  if (!first)
    return unknown_tensor (s);
  adze_way_follow (plan, first, origin, way);
  const char *name = first->view.tensors[origin].meta.name;
  const char *asked = s->question.has_index ? s->question.tensor : s->question.text;
  if (s->question.has_index) {
    uint64_t element;
    if (!adze_way_keeps_places (plan, way))
      return other_places (asked, name);
    ADZE_TRY (flat_index (&s->question, &first->view.tensors[origin].meta, &element));
    ADZE_TRY (adze_way_trace (s->plan, first, origin, way, element, trace));
  }
  adze_json_string (root, "run", s->folder);
  adze_json_string (root, "tensor", name);
  s->stages = adze_json_list (root, "stages");
  if (strcmp (asked, name) != 0) {
    adze_json_string (root, "asked", asked);
    adze_buffer_safe_format (&s->text, "%s, which is made of ", asked);
  }
  adze_buffer_safe_line (&s->text, "%s in %s", name, adze_path_base (s->folder));
  return add_stages (s, report, way, trace);
}

adze_error *
adze_run_why (adze_runtime *runtime, const char *runs, const char *run, const char *tensor,
              bool json, char **text)
{
  ADZE_LOCKED (runtime);
  ADZE_AUTO (why_state) s = { .runtime = runtime };
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  ADZE_AUTO (adze_document) report = { 0 };
  atomic_store (&runtime->cancel, false);
  ADZE_TRY (parse_question (tensor, &s.question));
  ADZE_TRY (open_state (&s, runs, run));
  ADZE_TRY (read_document (s.folder, "report.json", &report));
  ADZE_TRY (answer (&s, report.root, root));
  if (!json)
    return adze_buffer_finish (&s.text, text);
  ADZE_AUTO (adze_buffer) document = { 0 };
  if (adze_json_failed (root))
    return adze_error_memory ();
  adze_json_write (root, 2, &document);
  adze_buffer_text (&document, "\n");
  return adze_buffer_finish (&document, text);
}
