/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/plan_text.c: a plan for people, and the same as JSON. */
#include <inttypes.h>
#include <string.h>

#include "artifact/columns.h"
#include "base/json.h"
#include "pipeline/plan_network.h"
#include "pipeline/units.h"
#include "stage/early.h"

/* ---- Words. */

static uint64_t
bytes_of (const adze_plan_model *model)
{
  uint64_t bytes = 0;
  for (size_t i = 0; i < model->view.count; i++)
    bytes += model->view.tensors[i].meta.byte_size;
  return bytes;
}

static const char *
grain_word (uint32_t grain)
{
  return grain == ADZE_GRAIN_ELEMENT ? "elements" : grain == ADZE_GRAIN_ROW ? "rows" : "tensors";
}

static void
meta_text (const adze_tensor_meta *meta, adze_buffer *into)
{
  adze_buffer_format (into, "%s ", adze_meta_type_word (meta));
  adze_shape_text (meta->rank, meta->shape, into);
}

/* What the group that TENSOR of PORT belongs to makes of it; NULL: it is in none. */
static const adze_outline_group *
group_of (const adze_plan_stage *planned, size_t port, size_t tensor, bool *first)
{
  size_t number = planned->ports[port].groups[tensor];
  if (number == SIZE_MAX)
    return NULL;
  const adze_outline_group *group = &planned->outline.groups[number];
  const adze_pick *pick = &group->inputs[0];
  *first = pick->port == port && planned->ports[port].tensors[pick->index] == tensor;
  return group;
}

/* Tensors that come out of another model than the first: in no line of one of its own. NULL: the
 * group's first input is of the first model. */
static const adze_model_tensor *
first_of_other (const adze_plan_stage *planned, const adze_outline_group *group)
{
  const adze_pick *first = &group->inputs[0];
  const adze_plan_port *port = &planned->ports[first->port];
  return first->port == 0 ? NULL : &port->model->view.tensors[port->tensors[first->index]];
}

/* ---- One tensor at one stage. */

/* FROM is the tensor that the group is told at. */
static void
outputs_text (const adze_outline_group *group, const adze_tensor_meta *from, adze_buffer *into)
{
  for (size_t i = 0; i < group->output_count; i++) {
    adze_buffer_text (into, i ? ", " : group->at_most ? "at most " : "");
    if (strcmp (group->outputs[i]->name, from->name) != 0)
      adze_buffer_safe_format (into, "'%s' ", group->outputs[i]->name);
    meta_text (group->outputs[i], into);
  }
  if (group->output_count == 0)
    adze_buffer_text (into, "dropped");
  if (group->note)
    adze_buffer_safe_format (into, " (%s)", group->note);
}

static void
outcome_text (const adze_plan_stage *planned, size_t tensor, adze_buffer *into)
{
  const adze_plan_port *port = &planned->ports[0];
  const adze_plan_rule *rule = &port->rules[tensor];
  bool first = false;
  const adze_outline_group *group = group_of (planned, 0, tensor, &first);
  if (rule->skip) {
    adze_buffer_text (into, "skipped");
  } else if (!group) {
    adze_buffer_text (into, "left as it is");
  } else if (planned->facts->effect == ADZE_INSPECTS) {
    adze_buffer_safe_format (into, "%s", group->note ? group->note : "looked at");
  } else if (!first) {
    adze_buffer_text (into, "taken into another");
  } else {
    outputs_text (group, &port->model->view.tensors[tensor].meta, into);
  }
  if (rule->rule != SIZE_MAX)
    adze_buffer_safe_format (into, ", by rule '%s'", planned->stage->rules[rule->rule].match);
}

/* What stands behind names of usual length is in one column. */
static void
name_text (const char *name, adze_buffer *into)
{
  enum { WIDTH = 32 };
  adze_buffer_text (into, "    ");
  size_t before = into->size;
  adze_buffer_safe (into, name, strlen (name));
  size_t size = into->size - before;
  adze_buffer_spaces (into, size < WIDTH ? WIDTH - size + 1 : 1);
}

static void
begin_line (const adze_tensor_meta *meta, adze_buffer *into)
{
  name_text (meta->name, into);
  meta_text (meta, into);
  adze_buffer_text (into, " -> ");
}

/* The first ones, and how many there are beyond them. */
static void
tensors_text (const adze_plan_stage *planned, adze_buffer *into)
{
  enum { SHOWN_MOST = 12 };
  const adze_model *model = &planned->ports[0].model->view;
  size_t told = 0;
  for (size_t i = 0; i < model->count; i++)
    if (told++ < SHOWN_MOST) {
      begin_line (&model->tensors[i].meta, into);
      outcome_text (planned, i, into);
      adze_buffer_text (into, "\n");
    }
  for (size_t g = 0; g < planned->outline.group_count; g++) {
    const adze_outline_group *group = &planned->outline.groups[g];
    const adze_model_tensor *tensor = first_of_other (planned, group);
    if (tensor && told++ < SHOWN_MOST) {
      begin_line (&tensor->meta, into);
      outputs_text (group, &tensor->meta, into);
      adze_buffer_text (into, "\n");
    }
  }
  if (told > SHOWN_MOST)
    adze_buffer_format (into, "    ... and %zu more (--json has all)\n", told - SHOWN_MOST);
}

static void
network_text (const adze_plan *plan, const adze_plan_stage *planned,
              const adze_plan_network *network, adze_buffer *into)
{
  const adze_graph_shares *shares = &network->shares;
  if (!network->is_one)
    return;
  if (network->refused) {
    adze_buffer_safe_line (into, "    its network cannot be computed with: %s", network->refused);
    return;
  }
  if (shares->lacking)
    adze_buffer_safe_line (into, "    its network cannot be computed with: no backend does %s",
                           shares->lacking);
  adze_buffer_format (into, "    network of %zu node%s, computed by %s", shares->nodes,
                      shares->nodes == 1 ? "" : "s", network->backend);
  if (shares->delegated > 0)
    adze_buffer_format (into, ", %zu of them by ref in its place", shares->delegated);
  if (shares->inside > 0)
    adze_buffer_format (into, " (%zu in bodies)", shares->inside);
  adze_buffer_format (into, "%s%s\n", shares->delegated > 0 ? ": " : "", shares->operators);
  if (planned->delegates > shares->delegated)
    adze_buffer_format (into, "    with what '%s' adds to it, %u nodes are by ref\n",
                        planned->stage->id, planned->delegates);
  if (shares->left && strcmp (plan->pipeline->delegate, "error") == 0)
    adze_buffer_safe_line (into, "    delegate = \"error\" refuses it once it is computed with: %s "
                                 "is not done by %s", shares->left, network->backend);
}

/* What is known of before anything runs. */
static void
fallbacks_text (const adze_plan_stage *planned, adze_buffer *into)
{
  ADZE_AUTO_VALUE lines = NULL;
  ADZE_AUTO_ERROR error = adze_instance_early_fallbacks (planned->instance, &lines);
  into->failed = into->failed || error;
  if (error || lines->count == 0)
    return;
  ADZE_AUTO_FREE char *first = adze_fallback_text (lines->items[0]);
  adze_buffer_format (into, "    falls back %zu time%s: ", lines->count, lines->count == 1 ? "" : "s");
  adze_buffer_safe_line (into, "%s%s", first ? first : "", lines->count > 1 ? ", the first time" : "");
}

static void
stage_text (const adze_plan *plan, const adze_plan_stage *planned,
            const adze_plan_network *networks, adze_buffer *into)
{
  const adze_instance_facts *facts = planned->facts;
  adze_buffer_format (into, "  %s (%s %s): %s", planned->stage->id, planned->stage->use,
                      planned->stage->record->manifest->version
                          ? planned->stage->record->manifest->version
                          : "",
                      facts->effect == ADZE_CHANGES ? "changes" : "inspects");
  if (facts->runs)
    adze_buffer_text (into, ", takes whole artifacts");
  else
    adze_buffer_format (into, ", works on %s", grain_word (adze_plan_grain (planned)));
  if (facts->observes)
    adze_buffer_text (into, facts->effect == ADZE_CHANGES ? ", sees everything before it decides"
                                                          : ", sums up what it sees");
  adze_buffer_text (into, facts->isolated ? ", in a process of its own\n" : "\n");
  if (planned->described && planned->port_count > 0 && planned->ports[0].model)
    tensors_text (planned, into);
  else if (!facts->runs)
    adze_buffer_text (into, "    what it gets is known once the stages before it have run\n");
  fallbacks_text (planned, into);
  network_text (plan, planned, &networks[planned->number], into);
}

static void
segment_text (const adze_plan *plan, size_t number, const adze_plan_network *networks,
              adze_buffer *into)
{
  const adze_plan_segment *segment = &plan->segments[number];
  char bytes[ADZE_GROUPED_TEXT], memory[ADZE_GROUPED_TEXT];
  adze_bytes_text (segment->source_bytes, bytes);
  adze_bytes_text (segment->memory, memory);
  adze_buffer_format (into, "segment %zu of %zu", number + 1, plan->segment_count);
  if (!segment->whole)
    adze_buffer_format (into, ": %s%zu pass%s over %s, %s at a time on each of %u thread%s",
                        segment->reads > 1 ? "at least " : "", segment->reads, segment->reads == 1 ? "" : "es", bytes, memory,
                        plan->lanes, plan->lanes == 1 ? "" : "s");
  adze_buffer_text (into, "\n");
  if (segment->reads > 1 && segment->result)
    adze_buffer_text (into, "  reductions see everything first: the stages in front of them are "
                            "run again rather than spilled\n");
  if (segment->spilled)
    adze_buffer_text (into, "  reads what the segment before it spilled for it\n");
  for (size_t i = 0; i < segment->count; i++)
    stage_text (plan, &plan->stages[segment->first + i], networks, into);
  if (segment->output != SIZE_MAX)
    adze_buffer_safe_line (into, "  writes %s", plan->pipeline->outputs[segment->output].path);
  else if (segment->result)
    adze_buffer_text (into, "  keeps what it gives in the store of results\n");
  if (number + 1 < plan->segment_count)
    adze_buffer_format (into, "  ends here because %s\n", segment->why);
}

static void
disk_text (const adze_plan_disk *disk, adze_buffer *into)
{
  char outputs[ADZE_GROUPED_TEXT], kept[ADZE_GROUPED_TEXT], there[ADZE_GROUPED_TEXT];
  char sums[ADZE_GROUPED_TEXT];
  adze_bytes_text (disk->outputs, outputs);
  adze_bytes_text (disk->kept, kept);
  adze_bytes_text (disk->free, there);
  adze_buffer_format (into, "disk: %s%s for outputs", disk->bounds > 0 ? "at most " : "", outputs);
  if (disk->kept > 0)
    adze_buffer_format (into, " and %s in the store of results", kept);
  if (disk->sums > 0) {
    adze_bytes_text (disk->sums, sums);
    adze_buffer_format (into, ", at most %s for what stages sum up", sums);
  }
  if (disk->unknown > 0)
    adze_buffer_text (into, ", and what is known only once stages have run");
  adze_buffer_format (into, "; %s are free where %s is\n", there, disk->folder);
}

static void
memory_text (const adze_plan *plan, adze_buffer *into)
{
  char bytes[ADZE_GROUPED_TEXT];
  ADZE_AUTO (adze_buffer) unknown = { 0 };
  bool some = adze_plan_unknown_text (plan, &unknown);
  adze_bytes_text (plan->peak, bytes);
  adze_buffer_format (into, "memory: %sabout %s%s", some ? "at least " : "", bytes,
                      some ? "" : adze_plan_memory_word (plan));
  if (plan->pipeline->max_rss) {
    adze_bytes_text (plan->pipeline->max_rss, bytes);
    adze_buffer_format (into, " (max-rss is %s)", bytes);
  }
  adze_buffer_format (into, "%s%s\n", some ? "; " : "", unknown.data ? unknown.data : "");
}

static void
people_text (const adze_plan *plan, const adze_plan_disks *disks,
             const adze_plan_network *networks, adze_buffer *into)
{
  char bytes[ADZE_GROUPED_TEXT];
  adze_buffer_format (into, "%s: %zu stage%s\n", plan->pipeline->name, plan->stage_count,
                      plan->stage_count == 1 ? "" : "s");
  for (size_t i = 0; i < plan->pipeline->input_count; i++) {
    const adze_plan_model *model = plan->inputs[i];
    if (!model)
      continue;
    adze_bytes_text (bytes_of (model), bytes);
    adze_buffer_safe_line (into, "input '%s': %s, %s, %zu tensor%s, %s",
                           plan->pipeline->inputs[i].name, model->file->path,
                           model->file->format, model->view.count,
                           model->view.count == 1 ? "" : "s", bytes);
  }
  for (size_t i = 0; i < plan->segment_count; i++)
    segment_text (plan, i, networks, into);
  for (size_t i = 0; i < plan->pipeline->output_count; i++) {
    const adze_pipeline_output *output = &plan->pipeline->outputs[i];
    const adze_plan_model *model = adze_plan_bound (plan, &output->from);
    adze_buffer_safe_format (into, "output %s", output->path);
    if (model && model->known) {
      adze_bytes_text (bytes_of (model), bytes);
      adze_buffer_format (into, ": %s, %zu tensor%s, %s%s of weights", output->format,
                          model->view.count, model->view.count == 1 ? "" : "s",
                          model->at_most ? "at most " : "", bytes);
    }
    adze_buffer_text (into, "\n");
  }
  memory_text (plan, into);
  for (size_t i = 0; i < disks->count; i++)
    disk_text (&disks->disks[i], into);
}

/* ---- JSON. */

static void
meta_value (const adze_tensor_meta *meta, adze_value *into)
{
  adze_json_string (into, "name", meta->name);
  adze_json_string (into, "type", adze_meta_type_word (meta));
  adze_value *shape = adze_json_list (into, "shape");
  for (int32_t i = 0; i < meta->rank; i++)
    adze_json_int (shape, NULL, meta->shape[i]);
  adze_json_int (into, "bytes", (int64_t)meta->byte_size);
}

static void
group_value (const adze_outline_group *group, adze_value *into)
{
  adze_json_string (into, "note", group->note);
  adze_json_bool (into, "at-most", group->at_most);
  adze_value *outputs = adze_json_list (into, "gives");
  for (size_t i = 0; i < group->output_count; i++)
    meta_value (group->outputs[i], adze_json_table (outputs, NULL));
}

/* A group that begins in another model: its first tensor is told, and which port it came in by. */
static bool
other_value (const adze_plan_stage *planned, const adze_outline_group *group, adze_value *into)
{
  const adze_model_tensor *tensor = first_of_other (planned, group);
  if (!tensor)
    return false;
  meta_value (&tensor->meta, into);
  adze_json_string (into, "port", planned->ports[group->inputs[0].port].name);
  adze_json_bool (into, "skipped", false);
  adze_json_bool (into, "touched", true);
  group_value (group, into);
  return true;
}

static void
tensor_value (const adze_plan_stage *planned, size_t tensor, adze_value *into)
{
  const adze_plan_port *port = &planned->ports[0];
  const adze_plan_rule *rule = &port->rules[tensor];
  bool first = false;
  const adze_outline_group *group = group_of (planned, 0, tensor, &first);
  meta_value (&port->model->view.tensors[tensor].meta, into);
  adze_json_bool (into, "skipped", rule->skip);
  adze_json_bool (into, "touched", group != NULL);
  if (rule->rule != SIZE_MAX)
    adze_json_string (into, "rule", planned->stage->rules[rule->rule].match);
  if (group && first)
    group_value (group, into);
}

/* All tensors of the first port, then what begins in other models. */
static bool
fill_tensor (const void *context, size_t number, adze_value *into)
{
  const adze_plan_stage *planned = context;
  size_t tensors = planned->ports[0].model->view.count;
  if (number >= tensors)
    return other_value (planned, &planned->outline.groups[number - tensors], into);
  tensor_value (planned, number, into);
  return true;
}

static void
stage_value (const adze_plan_stage *planned, adze_value *list)
{
  adze_value *into = adze_json_table (list, NULL);
  adze_json_string (into, "id", planned->stage->id);
  adze_json_string (into, "use", planned->stage->use);
  adze_json_string (into, "effect",
                    planned->facts->effect == ADZE_CHANGES ? "changes" : "inspects");
  adze_json_string (into, "grain",
                    planned->facts->runs ? "artifact" : grain_word (adze_plan_grain (planned)));
  adze_json_bool (into, "isolated", planned->facts->isolated);
  adze_json_bool (into, "observes", planned->facts->observes);
  ADZE_AUTO_VALUE fallbacks = NULL;
  ADZE_AUTO_ERROR error = adze_instance_early_fallbacks (planned->instance, &fallbacks);
  if (!error)
    error = adze_value_append (into, "fallbacks", adze_take (&fallbacks));
  list->failed = list->failed || error;
  adze_value *tensors = adze_json_list (into, "tensors");
  if (!planned->described || planned->port_count == 0 || !planned->ports[0].model)
    return;
  adze_json_series (tensors, planned->ports[0].model->view.count + planned->outline.group_count,
                    fill_tensor, planned);
}

static void
segment_value (const adze_plan *plan, const adze_plan_segment *segment, adze_value *list)
{
  adze_value *into = adze_json_table (list, NULL);
  adze_json_int (into, "passes", (int64_t)segment->reads);
  adze_json_int (into, "bytes", (int64_t)segment->source_bytes);
  adze_json_int (into, "memory-a-thread", (int64_t)segment->memory);
  adze_json_bool (into, "spilled", segment->spilled);
  adze_json_string (into, "ends-because", segment->why);
  if (segment->output != SIZE_MAX)
    adze_json_string (into, "writes", plan->pipeline->outputs[segment->output].path);
  adze_value *stages = adze_json_list (into, "stages");
  for (size_t i = 0; i < segment->count; i++)
    stage_value (&plan->stages[segment->first + i], stages);
}

adze_value *
adze_plan_value (const adze_plan *plan)
{
  ADZE_AUTO_VALUE root = adze_value_new (ADZE_VALUE_TABLE);
  adze_json_string (root, "name", plan->pipeline->name);
  adze_json_int (root, "threads", plan->lanes);
  adze_plan_memory_value (plan, "memory", root);
  adze_value *segments = adze_json_list (root, "segments");
  for (size_t i = 0; i < plan->segment_count; i++)
    segment_value (plan, &plan->segments[i], segments);
  adze_value *outputs = adze_json_list (root, "outputs");
  for (size_t i = 0; i < plan->pipeline->output_count; i++) {
    const adze_pipeline_output *output = &plan->pipeline->outputs[i];
    const adze_plan_model *model = adze_plan_bound (plan, &output->from);
    adze_value *into = adze_json_table (outputs, NULL);
    adze_json_string (into, "path", output->path);
    adze_json_string (into, "format", output->format);
    if (model && model->known)
      adze_json_int (into, model->at_most ? "bytes-at-most" : "bytes", (int64_t)bytes_of (model));
  }
  return adze_json_failed (root) ? NULL : adze_take (&root);
}

static void
disks_value (const adze_plan_disks *disks, adze_value *root)
{
  adze_value *list = adze_json_list (root, "disk");
  for (size_t i = 0; i < disks->count; i++) {
    const adze_plan_disk *disk = &disks->disks[i];
    adze_value *into = adze_json_table (list, NULL);
    adze_json_string (into, "folder", disk->folder);
    adze_json_int (into, "outputs", (int64_t)disk->outputs);
    adze_json_int (into, "kept", (int64_t)disk->kept);
    adze_json_int (into, "sums-at-most", (int64_t)disk->sums);
    adze_json_int (into, "free", (int64_t)disk->free);
    adze_json_bool (into, "at-most", disk->bounds > 0);
    adze_json_bool (into, "complete", disk->unknown == 0);
  }
}

static void
networks_value (const adze_plan *plan, const adze_plan_network *networks, adze_value *root)
{
  adze_value *list = adze_json_list (root, "networks");
  for (size_t i = 0; i < plan->stage_count; i++) {
    const adze_graph_shares *shares = &networks[i].shares;
    if (!networks[i].is_one)
      continue;
    adze_value *into = adze_json_table (list, NULL);
    adze_json_string (into, "stage", plan->stages[i].stage->id);
    adze_json_string (into, "backend", networks[i].backend);
    adze_json_string (into, "refused", networks[i].refused);
    adze_json_string (into, "lacking", shares->lacking);
    adze_json_int (into, "nodes", (int64_t)shares->nodes);
    adze_json_int (into, "control", (int64_t)shares->control);
    adze_json_int (into, "delegated", (int64_t)shares->delegated);
    adze_json_int (into, "delegated-in-bodies", (int64_t)shares->inside);
    adze_json_int (into, "delegated-at-work", (int64_t)plan->stages[i].delegates);
    adze_json_string (into, "delegated-operators", shares->operators);
    adze_json_string (into, "delegated-first", shares->left);
  }
}

/* ---- The whole. */

typedef struct plan_networks {
  adze_plan_network *items; /* one a stage */
  size_t count;
} plan_networks;

static void
plan_networks_cleanup (plan_networks *networks)
{
  for (size_t i = 0; i < networks->count; i++)
    adze_plan_network_cleanup (&networks->items[i]);
  free (networks->items);
}

static adze_error *
ask_networks (const adze_plan *plan, plan_networks *networks)
{
  networks->items = calloc (plan->stage_count + 1, sizeof *networks->items);
  if (!networks->items)
    return adze_error_memory ();
  for (; networks->count < plan->stage_count; networks->count++)
    ADZE_TRY (adze_plan_network_of (plan, &plan->stages[networks->count],
                                    &networks->items[networks->count]));
  return NULL;
}

adze_error *
adze_plan_text (const adze_plan *plan, bool json, char **text)
{
  ADZE_AUTO (adze_buffer) buffer = { 0 };
  ADZE_AUTO (adze_plan_disks) disks = { 0 };
  ADZE_AUTO (plan_networks) networks = { 0 };
  ADZE_TRY (adze_plan_disks_of (plan, NULL, 0, &disks));
  ADZE_TRY (adze_plan_check_disks (plan, &disks));
  ADZE_TRY (ask_networks (plan, &networks));
  if (json) {
    ADZE_AUTO_VALUE root = adze_plan_value (plan);
    if (!root)
      return adze_error_memory ();
    disks_value (&disks, root);
    networks_value (plan, networks.items, root);
    if (adze_json_failed (root))
      return adze_error_memory ();
    adze_json_write (root, 2, &buffer);
    adze_buffer_text (&buffer, "\n");
  } else {
    people_text (plan, &disks, networks.items, &buffer);
  }
  return adze_buffer_finish (&buffer, text);
}
