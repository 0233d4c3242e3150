/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_stage.c: rules matched against tensors, describe called, and the model composed that
 * a stage gives. */
#include <string.h>

#include "pipeline/plan_network.h"

/* ---- Models. */

adze_plan_model *
adze_plan_model_new (void)
{
  adze_plan_model *model = calloc (1, sizeof *model);
  if (model) {
    model->stage = SIZE_MAX;
    model->input = SIZE_MAX;
  }
  return model;
}

/* All of it but where it lies. */
static void
empty (adze_plan_model *model)
{
  for (size_t i = 0; model->traits && i < model->view.count; i++)
    adze_value_free (model->traits[i]);
  free (model->traits);
  free (model->sources);
  free (model->view.tensors);
  adze_metadata_cleanup (&model->view.metadata);
  adze_plan_part_free (adze_take (&model->part));
  model->view = (adze_model){ 0 };
  model->traits = NULL;
  model->sources = NULL;
}

void
adze_plan_model_empty (adze_plan_model *model)
{
  empty (model);
  adze_model_close (adze_take (&model->file));
}

void
adze_plan_model_free (adze_plan_model *model)
{
  if (!model)
    return;
  adze_plan_model_empty (model);
  free (model);
}

adze_plan_model *
adze_plan_bound (const adze_plan *plan, const adze_binding *binding)
{
  if (strcmp (binding->type ? binding->type : "", ADZE_TYPE_MODEL) != 0)
    return NULL;
  switch (binding->origin) {
  case ADZE_FROM_INPUT:
    return plan->inputs[binding->number];
  case ADZE_FROM_STAGE:
    return plan->stages[binding->number].output;
  default:
    return NULL;
  }
}

/* ---- Rules. */

/* The stage's own parameters with those of a rule over them. */
static adze_error *
merged_settings (const adze_pipeline_stage *stage, const adze_pipeline_rule *rule,
                 adze_value **merged)
{
  ADZE_AUTO_VALUE table = adze_value_new (ADZE_VALUE_TABLE);
  if (!table)
    return adze_error_memory ();
  const adze_value *parts[] = { stage->settings, rule->settings };
  for (size_t p = 0; p < ADZE_COUNT_OF (parts); p++)
    for (size_t i = 0; parts[p] && i < parts[p]->count; i++) {
      const adze_value *item = parts[p]->items[i];
      if (p == 0 && adze_value_get (rule->settings, item->key))
        continue;
      adze_value *copy = adze_value_copy (item);
      if (!copy)
        return adze_error_memory ();
      ADZE_TRY (adze_value_append (table, item->key, copy));
    }
  *merged = adze_take (&table);
  return NULL;
}

adze_error *
adze_plan_variants (adze_plan_stage *planned)
{
  const adze_pipeline_stage *stage = planned->stage;
  planned->variants = calloc (stage->rule_count + 1, sizeof *planned->variants);
  if (!planned->variants)
    return adze_error_memory ();
  planned->variants[0] = stage->settings ? adze_value_copy (stage->settings)
                                         : adze_value_new (ADZE_VALUE_TABLE);
  if (!planned->variants[0])
    return adze_error_memory ();
  planned->variant_count = 1;
  for (size_t i = 0; i < stage->rule_count; i++) {
    ADZE_TRY (merged_settings (stage, &stage->rules[i], &planned->variants[i + 1]));
    planned->variant_count++;
  }
  return NULL;
}

/* The last rule that matches holds; its parameters stand over the stage's own. */
static void
match_tensor (const adze_pipeline_stage *stage, const char *name, adze_plan_rule *answer,
              bool *used)
{
  *answer = (adze_plan_rule){ .rule = SIZE_MAX };
  for (size_t i = 0; i < stage->rule_count; i++) {
    const adze_pipeline_rule *rule = &stage->rules[i];
    if (!adze_pattern_matches (rule->pattern, name))
      continue;
    used[i] = true;
    *answer = (adze_plan_rule){ .rule = i,
                                .variant = rule->settings && rule->settings->count ? i + 1 : 0,
                                .skip = rule->skip };
  }
}

static adze_error *
unmatched_rule (const adze_plan *plan, const adze_plan_stage *planned, size_t rule)
{
  const adze_pipeline_stage *stage = planned->stage;
  const adze_plan_model *model = planned->ports[0].model;
  const char *text = stage->rules[rule].match;
  const char **names = calloc (model->view.count + 1, sizeof *names);
  const char *meant = NULL;
  if (names) {
    for (size_t i = 0; i < model->view.count; i++)
      names[i] = model->view.tensors[i].meta.name;
    meant = adze_nearest (text, names, model->view.count);
  }
  const adze_value *at = adze_value_get (stage->rules[rule].table, "match");
  adze_error *error = adze_document_error (
      &plan->pipeline->document, at,
      "rule '%s' of stage '%s' matches none of the %zu tensors that the stage gets", text,
      stage->id, model->view.count);
  adze_error_set (error, "needed", "a pattern that matches a tensor's name, or optional = true");
  if (meant)
    adze_error_setf (error, "hint", "did you mean '%s'? `adze show` lists the names", meant);
  else
    adze_error_set (error, "hint", "`adze show MODEL` lists the names");
  free (names);
  return error;
}

static adze_error *
show_port (const adze_plan_stage *planned, adze_plan_port *port, adze_outline_port *into, bool *used)
{
  size_t count = port->model ? port->model->view.count : 0;
  free (port->rules);
  free (port->shown);
  free (port->tensors);
  free (port->groups);
  port->groups = malloc ((count + 1) * sizeof *port->groups);
  port->rules = calloc (count + 1, sizeof *port->rules);
  port->shown = calloc (count + 1, sizeof *port->shown);
  port->tensors = calloc (count + 1, sizeof *port->tensors);
  if (!port->groups || !port->rules || !port->shown || !port->tensors)
    return adze_error_memory ();
  size_t shown = 0;
  for (size_t i = 0; i < count; i++) {
    const adze_model_tensor *tensor = &port->model->view.tensors[i];
    port->groups[i] = SIZE_MAX;
    match_tensor (planned->stage, tensor->meta.name, &port->rules[i], used);
    if (port->rules[i].skip)
      continue;
    port->shown[shown] = (adze_outline_tensor){ .meta = &tensor->meta,
                                                .traits = tensor->traits,
                                                .variant = port->rules[i].variant };
    port->tensors[shown++] = i;
  }
  *into = (adze_outline_port){ .tensors = port->shown, .count = shown };
  return NULL;
}

static adze_error *
show_ports (const adze_plan *plan, adze_plan_stage *planned)
{
  ADZE_AUTO_FREE bool *used = calloc (planned->stage->rule_count + 1, sizeof *used);
  if (!used)
    return adze_error_memory ();
  for (size_t i = 0; i < planned->port_count; i++)
    ADZE_TRY (show_port (planned, &planned->ports[i], &planned->outline_ports[i], used));
  for (size_t i = 0; i < planned->stage->rule_count; i++)
    if (!used[i] && !planned->stage->rules[i].optional && planned->port_count > 0)
      return unmatched_rule (plan, planned, i);
  return NULL;
}

/* ---- What a stage gives. */

/* What the technique itself said of the output's traits. */
static adze_error *
edit_traits (const adze_outline *outline, const char *name, adze_value *table)
{
  for (size_t i = 0; i < outline->trait_count; i++) {
    const adze_outline_trait *edit = &outline->traits[i];
    if (strcmp (edit->tensor, name) != 0)
      continue;
    for (size_t k = 0; k < table->count; k++)
      if (strcmp (table->items[k]->key, edit->id) == 0) {
        adze_value_free (table->items[k]);
        memmove (table->items + k, table->items + k + 1,
                 (table->count - k - 1) * sizeof *table->items);
        table->count--;
        break;
      }
    if (!edit->json)
      continue;
    adze_value *copy = adze_value_copy (edit->json);
    if (!copy)
      return adze_error_memory ();
    ADZE_TRY (adze_value_append (table, edit->id, copy));
  }
  return NULL;
}

/* Adds one tensor to the model that is being composed; there is room. */
static adze_error *
put_tensor (adze_plan_model *model, const adze_tensor_meta *meta, bool retyped,
            const adze_value *traits, adze_value *own_traits, adze_plan_source source)
{
  size_t at = model->view.count;
  adze_model_tensor *tensor = &model->view.tensors[at];
  model->traits[at] = own_traits;
  model->sources[at] = source;
  tensor->meta = *meta;
  tensor->file = -1;
  tensor->retyped = retyped;
  tensor->traits = own_traits ? own_traits : (adze_value *)traits;
  if (tensor->traits && tensor->traits->count == 0)
    tensor->traits = NULL;
  model->view.count++;
  uint64_t bytes;
  ADZE_TRY (adze_tensor_meta_size (&tensor->meta, &tensor->elements, &bytes));
  tensor->meta.byte_size = bytes;
  return NULL;
}

static bool
same_type (const adze_tensor_meta *a, const adze_tensor_meta *b)
{
  return strcmp (adze_meta_type_word (a), adze_meta_type_word (b)) == 0;
}

static adze_error *
put_group (adze_plan_model *model, const adze_plan_stage *planned, size_t number)
{
  const adze_outline_group *group = &planned->outline.groups[number];
  const adze_pick *pick = &group->inputs[0];
  const adze_plan_port *port = &planned->ports[pick->port];
  const adze_value *from = port->shown[pick->index].traits;
  const adze_model_tensor *first = &port->model->view.tensors[port->tensors[pick->index]];
  for (size_t i = 0; i < group->output_count; i++) {
    ADZE_AUTO_VALUE traits = NULL;
    ADZE_TRY (adze_plan_inherit (planned, from, &first->meta, group->outputs[i], group->same_bytes,
                                 &traits));
    ADZE_TRY (edit_traits (&planned->outline, group->outputs[i]->name, traits));
    if (traits->count == 0)
      adze_value_free (adze_take (&traits));
    bool retyped = first->retyped || !same_type (&first->meta, group->outputs[i]);
    ADZE_TRY (put_tensor (model, group->outputs[i], retyped, NULL, adze_take (&traits),
                          (adze_plan_source){ number, i }));
  }
  model->at_most = model->at_most || group->at_most;
  return NULL;
}

/* For each tensor of port 0 the group whose first input it is, or one of these. */
enum { UNTOUCHED = -1, ELSEWHERE = -2 };

static adze_error *
roles_of (const adze_plan_stage *planned, long **roles)
{
  const adze_plan_port *port = &planned->ports[0];
  size_t count = port->model->view.count;
  *roles = malloc ((count + 1) * sizeof **roles);
  if (!*roles)
    return adze_error_memory ();
  for (size_t i = 0; i < count; i++)
    (*roles)[i] = UNTOUCHED;
  for (size_t g = 0; g < planned->outline.group_count; g++) {
    const adze_outline_group *group = &planned->outline.groups[g];
    for (size_t i = 0; i < group->input_count; i++)
      if (group->inputs[i].port == 0)
        (*roles)[port->tensors[group->inputs[i].index]] = i == 0 ? (long)g : ELSEWHERE;
  }
  return NULL;
}

static adze_error *
edit_metadata (const adze_outline *outline, adze_metadata *metadata)
{
  for (size_t i = 0; i < outline->edit_count; i++) {
    const adze_outline_edit *edit = &outline->edits[i];
    if (edit->remove)
      adze_metadata_remove (metadata, edit->key);
    else
      ADZE_TRY (adze_metadata_set (metadata, edit->key, edit->key_size,
                                   &edit->holder.entries[0].value));
  }
  return NULL;
}

static int
compare_names (const void *a, const void *b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static adze_error *
check_names (const adze_plan_stage *planned, const adze_plan_model *model)
{
  ADZE_AUTO_FREE const char **names = malloc ((model->view.count + 1) * sizeof *names);
  if (!names)
    return adze_error_memory ();
  for (size_t i = 0; i < model->view.count; i++)
    names[i] = model->view.tensors[i].meta.name;
  qsort (names, model->view.count, sizeof *names, compare_names);
  for (size_t i = 1; i < model->view.count; i++)
    if (strcmp (names[i - 1], names[i]) == 0)
      return adze_error_new (ADZE_E_CONTRACT,
                             "stage '%s' would give two tensors of the name '%s'",
                             planned->stage->id, names[i]);
  return NULL;
}

static adze_error *
compose (const adze_plan *plan, adze_plan_stage *planned)
{
  adze_plan_model *model = planned->output;
  const adze_plan_model *input = planned->ports[0].model;
  const adze_outline *outline = &planned->outline;
  ADZE_AUTO_FREE long *roles = NULL;
  empty (model);
  ADZE_TRY (roles_of (planned, &roles));
  size_t room = input->view.count;
  for (size_t g = 0; g < outline->group_count; g++)
    room += outline->groups[g].output_count;
  model->view.tensors = calloc (room + 1, sizeof *model->view.tensors);
  model->sources = calloc (room + 1, sizeof *model->sources);
  model->traits = calloc (room + 1, sizeof *model->traits);
  if (!model->view.tensors || !model->sources || !model->traits)
    return adze_error_memory ();
  model->at_most = false;
  for (size_t i = 0; i < planned->port_count; i++)
    if (planned->ports[i].model && planned->ports[i].model->at_most)
      model->at_most = true;
  for (size_t i = 0; i < input->view.count; i++) {
    const adze_model_tensor *tensor = &input->view.tensors[i];
    if (roles[i] == UNTOUCHED)
      ADZE_TRY (put_tensor (model, &tensor->meta, tensor->retyped, tensor->traits, NULL,
                            (adze_plan_source){ SIZE_MAX, i }));
    else if (roles[i] != ELSEWHERE)
      ADZE_TRY (put_group (model, planned, (size_t)roles[i]));
  }
  for (size_t g = 0; g < outline->group_count; g++)
    if (outline->groups[g].inputs[0].port != 0)
      ADZE_TRY (put_group (model, planned, g));
  model->view.format = input->view.format;
  model->view.parts = input->view.parts;
  model->view.part_count = input->view.part_count;
  ADZE_TRY (adze_metadata_copy (&input->view.metadata, &model->view.metadata));
  ADZE_TRY (edit_metadata (outline, &model->view.metadata));
  if (outline->network)
    ADZE_TRY (adze_plan_take_network (plan, outline->network, model));
  model->known = true;
  return check_names (planned, model);
}

/* ---- describe. */

uint32_t
adze_plan_grain (const adze_plan_stage *planned)
{
  const adze_outline *outline = &planned->outline;
  uint32_t grain = UINT32_MAX;
  for (size_t i = 0; i < outline->group_count; i++) {
    const adze_outline_group *group = &outline->groups[i];
    const adze_cut cut = adze_outline_cut (outline, group, false);
    const adze_pick *first = &group->inputs[0];
    const adze_tensor_meta *meta = planned->ports[first->port].shown[first->index].meta;
    bool large = adze_tensor_meta_elements (meta) > ADZE_LEAF_ELEMENTS;
    if (adze_outline_seen (outline, group) && (large || group->row_rank > 0) && cut.grain < grain)
      grain = cut.grain;
  }
  return grain == UINT32_MAX ? planned->facts->grain : grain;
}

bool
adze_plan_group_edits (const adze_plan_stage *planned, size_t number)
{
  const adze_outline_group *group = &planned->outline.groups[number];
  const adze_pick *first = &group->inputs[0];
  /* The model that the stage works on, that of port 0, had no such tensor. */
  if (first->port != 0 && group->output_count > 0)
    return true;
  /* Another tensor of the same model that goes in does not come out by itself. */
  for (size_t i = 1; i < group->input_count; i++)
    if (group->inputs[i].port == first->port)
      return true;
  return group->output_count != 1
         || !adze_tensor_meta_equal (group->outputs[0],
                                     planned->ports[first->port].shown[first->index].meta);
}

static bool
gets_tensors (const adze_plan_stage *planned)
{
  for (size_t i = 0; i < planned->port_count; i++)
    if (planned->ports[i].model && planned->ports[i].model->view.count > 0)
      return true;
  return false;
}

/* What it has described leaves all as it is; what it sums up may still tell it something else. */
static bool
will_change_nothing (const adze_plan_stage *planned, bool final)
{
  const adze_outline *outline = &planned->outline;
  return planned->facts->effect == ADZE_CHANGES && outline->group_count == 0
         && outline->edit_count == 0 && outline->trait_count == 0
         && (final || !planned->facts->observes || !gets_tensors (planned));
}

static void
note_groups (adze_plan_stage *planned)
{
  for (size_t g = 0; g < planned->outline.group_count; g++) {
    const adze_outline_group *group = &planned->outline.groups[g];
    for (size_t i = 0; i < group->input_count; i++) {
      const adze_plan_port *port = &planned->ports[group->inputs[i].port];
      size_t tensor = port->tensors[group->inputs[i].index];
      if (port->groups[tensor] == SIZE_MAX)
        port->groups[tensor] = g;
    }
  }
}

/* A stage and the plan that it is of. */
typedef struct network_of {
  const adze_plan *plan;
  const adze_plan_stage *planned;
} network_of;

static adze_error *
open_network (void *context, adze_graph **graph)
{
  const network_of *of = context;
  return adze_plan_open_network (of->plan, of->planned->ports[0].model, graph);
}

/* Asks it; what it has answered before, if that was of the same inputs, goes to BEFORE. */
static adze_error *
ask (const adze_plan *plan, adze_plan_stage *planned, bool final, adze_outline *before)
{
  network_of of = { plan, planned };
  adze_outline *outline = &planned->outline;
  if (final && planned->described && !outline->final)
    *before = *outline;
  else
    adze_outline_clear (outline);
  *outline = (adze_outline){ 0 };
  outline->ports = planned->outline_ports;
  outline->port_count = planned->port_count;
  outline->final = final;
  outline->effect = planned->facts->effect;
  outline->grain = planned->facts->grain;
  if (planned->port_count > 0 && planned->ports[0].model)
    outline->metadata = &planned->ports[0].model->view.metadata;
  outline->open_network = open_network;
  outline->network_context = &of;
  adze_error *error = adze_instance_describe (planned->instance, outline);
  outline->network_context = NULL;
  outline->metadata = NULL;
  return error;
}

adze_error *
adze_plan_describe (adze_plan *plan, size_t number, bool final)
{
  adze_plan_stage *planned = &plan->stages[number];
  adze_outline before = { 0 };
  ADZE_TRY (show_ports (plan, planned));
  adze_error *error = ask (plan, planned, final, &before);
  if (!error && planned->output && before.port_count > 0)
    error = adze_plan_check_word (planned, &before);
  if (!error)
    note_groups (planned);
  if (!error && planned->output)
    error = compose (plan, planned);
  adze_outline_clear (&before);
  if (error)
    return adze_plan_stage_error (plan, planned, error);
  if (planned->output) {
    ADZE_TRY (adze_plan_check_codes (plan, planned));
    ADZE_TRY (adze_plan_check_traits (plan, planned));
  }
  planned->described = true;
  if (planned->stage->no_effect_is_error && will_change_nothing (planned, final))
    return adze_plan_no_effect (plan, planned, "would change nothing",
                                "that come in would be left as they are");
  return NULL;
}

static bool
can_be_described (const adze_plan_stage *planned)
{
  if (planned->facts->runs || planned->port_count == 0)
    return false;
  for (size_t i = 0; i < planned->port_count; i++)
    if (planned->ports[i].model && !planned->ports[i].model->known)
      return false;
  return planned->ports[0].model != NULL;
}

adze_error *
adze_plan_describe_from (adze_plan *plan, size_t number)
{
  for (size_t i = number; i < plan->stage_count; i++) {
    adze_plan_stage *planned = &plan->stages[i];
    if (can_be_described (planned))
      ADZE_TRY (adze_plan_describe (plan, i, false));
    else if (planned->output && !planned->output->file)
      planned->output->known = false;
    ADZE_TRY (adze_plan_tell_keepers (plan, planned));
  }
  return NULL;
}
