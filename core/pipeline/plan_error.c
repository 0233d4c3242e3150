/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_error.c: what goes wrong in a plan, said at the place of the pipeline that is to blame,
 * and without the layers that only say which function it went through. */
#include <string.h>

#include <adze/draft/codec.h>

#include "base/file.h"
#include "pipeline/plan.h"

/* ---- Places. */

/* CAUSE is what made this place of the pipeline impossible: file, line and caret in front of it. */
adze_error *
adze_plan_error (const adze_plan *plan, const adze_value *at, adze_error *cause, const char *format,
                 ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *text = adze_text_vformat (format, arguments);
  va_end (arguments);
  ADZE_AUTO_ERROR place
      = adze_document_error (&plan->pipeline->document, at, "%s", text ? text : "out of memory");
  adze_error *error = adze_error_wrap (cause, "%s", adze_error_message (place));
  const char *name, *value;
  for (size_t i = 0; adze_error_fact_at (place, i, &name, &value); i++)
    adze_error_set (error, name, value);
  return error;
}

/* The text between the quotes behind BEGIN of TEXT; to be freed. NULL: it does not begin so. *REST is
 * what follows. */
static char *
quoted (const char *text, const char *begin, const char **rest)
{
  size_t size = strlen (begin);
  if (strncmp (text, begin, size) != 0)
    return NULL;
  const char *end = strchr (text + size, '\'');
  if (!end)
    return NULL;
  *rest = end + 1;
  return strndup (text + size, (size_t)(end - text) - size);
}

/* Where the pipeline gives the parameter that a reason begins with: "parameter 'a': ...", or, what the
 * rule for a tensor says, "parameter 'a' of tensor 't': ...". Else the stage. */
static const adze_value *
place_of (const adze_pipeline_stage *stage, const char *reason)
{
  const char *rest = NULL;
  ADZE_AUTO_FREE char *name = quoted (reason, "parameter '", &rest);
  ADZE_AUTO_FREE char *tensor = name ? quoted (rest, " of tensor '", &rest) : NULL;
  const adze_pipeline_rule *rule = tensor ? adze_pipeline_rule_for (stage, tensor) : NULL;
  const adze_value *at = rule && name ? adze_value_get (rule->table, name) : NULL;
  if (!at && name)
    at = adze_value_get (stage->table, name);
  return at ? at : stage->table;
}

/* ---- No effect. */

/* A weight that is codes already; NULL: there is none. */
static const adze_model_tensor *
first_coded (const adze_plan_port *port)
{
  for (size_t i = 0; port && port->model && i < port->model->view.count; i++)
    if (adze_value_get (port->model->view.tensors[i].traits, ADZE_TRAIT_CODED))
      return &port->model->view.tensors[i];
  return NULL;
}

adze_error *
adze_plan_no_effect (const adze_plan *plan, const adze_plan_stage *planned, const char *verb,
                     const char *what)
{
  const adze_plan_port *port = planned->port_count ? &planned->ports[0] : NULL;
  size_t count = planned->facts->runs ? port && port->model ? port->model->view.count : 0
                 : port               ? planned->outline_ports[0].count
                                      : 0;
  adze_error *error = adze_document_error (&plan->pipeline->document, planned->stage->table,
                                           "stage '%s' (%s) %s: all %zu tensors %s",
                                           planned->stage->id, planned->stage->use, verb, count, what);
  adze_error_set (error, "stage", planned->stage->id);
  adze_error_set (error, "needed", "at least one tensor that changes, or on-no-effect = \"warn\"");
  adze_error_set (error, "found", "0 tensors changed");
  const adze_model_tensor *coded = first_coded (port);
  if (coded)
    adze_error_setf (error, "hint", "'%s' is codes already; a stage that is about weights belongs in front of the one "
                     "that makes codes of them", coded->meta.name);
  else
    adze_error_setf (error, "hint", "look at its parameters%s, or remove the stage",
                     planned->facts->runs ? "" : " and rules");
  return error;
}

/* ---- Layers. */

static bool
is_layer (const adze_error *error, const char *begin, const char *end)
{
  const char *message = adze_error_message (error);
  size_t size = strlen (message), tail = strlen (end);
  return adze_error_cause (error) && strncmp (message, begin, strlen (begin)) == 0 && size >= tail
         && strcmp (message + size - tail, end) == 0;
}

/* ERROR, taken over, without its outermost link. */
static adze_error *
without_layer (adze_error *error)
{
  adze_error *cause = adze_error_copy (adze_error_cause (error));
  adze_error_free (error);
  return cause;
}

/* What is wrong with a value that stands in the file is wrong with the file, and not with the command
 * line. Takes ERROR, which has no cause, over. */
static adze_error *
of_the_file (adze_error *error)
{
  const char *name, *value;
  if (adze_error_status (error) != ADZE_E_PARAM || adze_error_cause (error))
    return error;
  adze_error *made = adze_error_new (ADZE_E_FORMAT, "%s", adze_error_message (error));
  for (size_t i = 0; adze_error_fact_at (error, i, &name, &value); i++)
    adze_error_set (made, name, value);
  adze_error_free (error);
  return made;
}

/* ---- Stages. */

/* "input.model (mlp.onnx)", or "clip.model" */
static void
write_binding (const adze_pipeline *pipeline, const adze_binding *binding, adze_buffer *into)
{
  if (binding->origin == ADZE_FROM_INPUT)
    adze_buffer_format (into, "input.%s (%s)", pipeline->inputs[binding->number].name,
                        adze_path_base (pipeline->inputs[binding->number].path));
  else
    adze_buffer_format (into, "%s.%s", pipeline->stages[binding->number].id, binding->port);
}

/* Which models those are that a reason calls by the names of the ports. */
static void
tell_models (const adze_plan *plan, const adze_plan_stage *planned, adze_error *error)
{
  ADZE_AUTO (adze_buffer) models = { 0 };
  size_t count, bound = 0;
  const adze_port *ports = adze_manifest_ports (planned->stage->component, &count);
  for (size_t i = 0; i < count; i++) {
    const adze_binding *binding = &planned->stage->bindings[i];
    if (ports[i].direction != ADZE_PORT_IN || strcmp (ports[i].type, ADZE_TYPE_MODEL) != 0
        || (binding->origin != ADZE_FROM_INPUT && binding->origin != ADZE_FROM_STAGE))
      continue;
    adze_buffer_format (&models, "%s'%s' is ", bound++ > 0 ? ", " : "", ports[i].name);
    write_binding (plan->pipeline, binding, &models);
  }
  if (bound > 1 && !models.failed)
    adze_error_set (error, "models", models.data);
}

adze_error *
adze_plan_stage_error (const adze_plan *plan, const adze_plan_stage *planned, adze_error *error)
{
  const adze_pipeline_stage *stage = planned->stage;
  bool silent = adze_error_fact (error, "reason") != NULL;
  bool same = strcmp (stage->id, stage->use) == 0;
  if (!silent && is_layer (error, "describe of '", "' failed"))
    error = of_the_file (without_layer (error));
  const adze_value *at = place_of (stage, adze_error_message (error));
  error = adze_plan_error (plan, at, error, "stage '%s'%s%s%s cannot be planned", stage->id,
                           same ? "" : " (", same ? "" : stage->use, same ? "" : ")");
  tell_models (plan, planned, error);
  return error;
}

adze_error *
adze_plan_fell_back (const adze_plan *plan, const adze_pipeline_stage *stage, uint64_t count,
                     const char *first)
{
  adze_error *error = adze_document_error (
      &plan->pipeline->document, stage->table, "stage '%s' (%s) fell back %llu time%s: %s",
      stage->id, stage->use, (unsigned long long)count, count == 1 ? "" : "s",
      first ? first : "out of memory");
  adze_error_set (error, "stage", stage->id);
  adze_error_set (error, "hint", "on-fallback = \"warn\" in the stage allows it");
  return error;
}

/* ---- Inputs. */

adze_error *
adze_plan_input_error (const adze_plan *plan, const adze_pipeline_input *input, adze_error *error)
{
  if (is_layer (error, "cannot open the model ", ""))
    error = without_layer (error);
  bool read = is_layer (error, "read of '", "' failed");
  const adze_value *format = adze_value_get (input->table, "format");
  if (!read || !format || adze_error_fact (error, "reason"))
    return adze_plan_error (plan, adze_value_get (input->table, "path"), error,
                            "the input '%s' cannot be opened", input->name);
  error = adze_plan_error (plan, format, without_layer (error),
                           "the input '%s' cannot be read as %s", input->name, input->format);
  adze_error_set (error, "hint",
                  "leave format out, and adze looks which format it is; or give another file");
  return error;
}

/* ---- Outputs. */

/* A plan's own models have no index of names. */
static const adze_tensor_meta *
meta_of (const adze_plan_model *model, const char *name)
{
  for (size_t i = 0; i < model->view.count; i++)
    if (strcmp (model->view.tensors[i].meta.name, name) == 0)
      return &model->view.tensors[i].meta;
  return NULL;
}

/* Is the tensor NAME something else in the one model than in the other, or missing in one? */
static bool
differs (const adze_plan_model *before, const adze_plan_model *after, const char *name)
{
  const adze_tensor_meta *a = meta_of (before, name), *b = meta_of (after, name);
  if (!a || !b)
    return a != b;
  return strcmp (adze_meta_type_word (a), adze_meta_type_word (b)) != 0 || a->rank != b->rank
         || (a->rank > 0 && memcmp (a->shape, b->shape, (size_t)a->rank * sizeof *a->shape) != 0);
}

/* The stage that made the tensor what a reason says of it, whose name is the first in quotes: the
 * place to go to, since nothing is wrong with the output itself. */
static void
tell_stage (const adze_plan *plan, const adze_pipeline_output *output, adze_error *error)
{
  const char *rest = NULL, *reason = strchr (adze_error_message (error), '\'');
  ADZE_AUTO_FREE char *name = reason ? quoted (reason, "'", &rest) : NULL;
  const adze_plan_model *model = adze_plan_bound (plan, &output->from);
  while (name && model && model->stage != SIZE_MAX) {
    const adze_plan_stage *planned = &plan->stages[model->stage];
    const adze_plan_model *before = planned->port_count > 0 ? planned->ports[0].model : NULL;
    if (!before || !before->known)
      return;
    if (differs (before, model, name)) {
      adze_error_setf (error, "changed by", "stage '%s', line %u", planned->stage->id,
                       planned->stage->table->line);
      return;
    }
    model = before;
  }
}

adze_error *
adze_plan_output_error (const adze_plan *plan, const adze_pipeline_output *output, adze_error *error)
{
  if (is_layer (error, "write of '", "' failed") && !adze_error_fact (error, "reason"))
    error = of_the_file (without_layer (error));
  tell_stage (plan, output, error);
  return adze_plan_error (plan, adze_value_get (output->table, "path"), error,
                          "this output cannot be written as %s", output->format);
}
