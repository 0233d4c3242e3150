/* SPDX-License-Identifier: Apache-2.0 */
/* Outlines as trees: what a worker's technique is asked about, and what it answered. */
#include <string.h>

#include "stage/outline.h"
#include "stage/wire.h"

/* Further down, with the values that are answered. */
static void add_meta (const adze_meta *meta, adze_value *row);
static adze_error *read_meta (const adze_value *row, unsigned depth, adze_meta *meta);
static void meta_cleanup (adze_meta *meta);

/* ---- The question. */

static void
add_values (const adze_metadata *metadata, adze_value *list)
{
  for (size_t i = 0; metadata && i < metadata->count; i++) {
    const adze_metadata_entry *entry = &metadata->entries[i];
    if (!adze_outline_shows (&entry->value))
      continue;
    adze_value *row = adze_json_table (list, NULL);
    adze_wire_text (row, "key", entry->key, entry->key_size);
    add_meta (&entry->value, adze_json_table (row, "value"));
  }
}

static adze_error *
read_value (const adze_value *row, adze_metadata *metadata)
{
  ADZE_AUTO_FREE char *key = NULL;
  size_t size = 0;
  adze_meta meta = { 0 };
  const adze_value *value = adze_value_get (row, "value");
  if (!value)
    return adze_wire_damaged ("an outline");
  ADZE_TRY (adze_wire_text_from (adze_value_get (row, "key"), &key, &size));
  adze_error *error = read_meta (value, 0, &meta);
  if (!error)
    error = adze_metadata_set (metadata, key, size, &meta);
  meta_cleanup (&meta);
  return error;
}

static adze_error *
read_values (const adze_value *list, adze_metadata *metadata)
{
  if (!list || list->type != ADZE_VALUE_LIST)
    return adze_wire_damaged ("an outline");
  for (size_t i = 0; i < list->count; i++)
    ADZE_TRY (read_value (list->items[i], metadata));
  return NULL;
}

void
adze_outline_inputs_value (const adze_outline *outline, adze_value *into)
{
  adze_json_bool (into, "final", outline->final);
  add_values (outline->metadata, adze_json_list (into, "values"));
  adze_value *ports = adze_json_list (into, "ports");
  for (size_t i = 0; i < outline->port_count; i++) {
    adze_value *tensors = adze_json_list (ports, NULL);
    for (size_t k = 0; k < outline->ports[i].count; k++) {
      const adze_outline_tensor *tensor = &outline->ports[i].tensors[k];
      adze_value *row = adze_json_table (tensors, NULL);
      adze_wire_meta (tensor->meta, row);
      adze_json_int (row, "variant", (int64_t)tensor->variant);
      if (!tensor->traits || tensor->traits->count == 0 || !row)
        continue;
      adze_value *copy = adze_value_copy (tensor->traits);
      ADZE_AUTO_ERROR error
          = copy ? adze_value_append (row, "traits", copy) : adze_error_memory ();
      row->failed = row->failed || error;
    }
  }
}

static adze_error *
read_tensor (const adze_value *row, adze_outline_copy *copy)
{
  adze_tensor_meta *meta = NULL;
  uint64_t variant;
  if (!adze_wire_number (row, "variant", SIZE_MAX, &variant))
    return adze_wire_damaged ("an outline");
  ADZE_TRY (adze_wire_meta_from (row, &meta));
  const adze_value *traits = adze_value_get (row, "traits");
  copy->metas[copy->count] = meta;
  copy->tensors[copy->count++]
      = (adze_outline_tensor){ .meta = meta, .traits = traits, .variant = variant };
  return NULL;
}

static adze_error *
read_ports (const adze_value *ports, adze_outline_copy *copy)
{
  size_t all = 0;
  for (size_t i = 0; i < ports->count; i++)
    all += ports->items[i]->count;
  copy->ports = calloc (ports->count + 1, sizeof *copy->ports);
  copy->tensors = calloc (all + 1, sizeof *copy->tensors);
  copy->metas = calloc (all + 1, sizeof *copy->metas);
  if (!copy->ports || !copy->tensors || !copy->metas)
    return adze_error_memory ();
  for (size_t i = 0; i < ports->count; i++) {
    const adze_value *tensors = ports->items[i];
    if (tensors->type != ADZE_VALUE_LIST)
      return adze_wire_damaged ("an outline");
    copy->ports[i] = (adze_outline_port){ copy->tensors + copy->count, tensors->count };
    for (size_t k = 0; k < tensors->count; k++)
      ADZE_TRY (read_tensor (tensors->items[k], copy));
  }
  return NULL;
}

adze_error *
adze_outline_inputs_from (const adze_value *request, adze_outline_copy *copy)
{
  *copy = (adze_outline_copy){ 0 };
  const adze_value *ports = adze_value_get (request, "ports");
  if (!ports || ports->type != ADZE_VALUE_LIST)
    return adze_wire_damaged ("an outline");
  adze_error *error = read_ports (ports, copy);
  if (!error)
    error = read_values (adze_value_get (request, "values"), &copy->metadata);
  if (error) {
    adze_outline_copy_cleanup (copy);
    return error;
  }
  copy->outline.ports = copy->ports;
  copy->outline.port_count = ports->count;
  copy->outline.metadata = &copy->metadata;
  copy->outline.final = adze_wire_truth (request, "final");
  return NULL;
}

void
adze_outline_copy_cleanup (adze_outline_copy *copy)
{
  adze_outline_clear (&copy->outline);
  for (size_t i = 0; i < copy->count; i++)
    free (copy->metas[i]);
  free (copy->metas);
  free (copy->tensors);
  free (copy->ports);
  adze_metadata_cleanup (&copy->metadata);
  *copy = (adze_outline_copy){ 0 };
}

/* ---- The answer: groups. */

static void
add_group (const adze_outline_group *group, adze_value *row)
{
  adze_value *inputs = adze_json_list (row, "inputs");
  for (size_t i = 0; i < group->input_count; i++) {
    adze_json_int (inputs, NULL, group->inputs[i].port);
    adze_json_int (inputs, NULL, group->inputs[i].index);
  }
  adze_value *outputs = adze_json_list (row, "outputs");
  for (size_t i = 0; i < group->output_count; i++)
    adze_wire_meta (group->outputs[i], adze_json_table (outputs, NULL));
  if (group->same_bytes)
    adze_json_bool (row, "same-bytes", true);
  if (group->at_most)
    adze_json_bool (row, "at-most", true);
  if (group->note)
    adze_wire_text (row, "note", group->note, strlen (group->note));
  if (group->scratch > 0)
    adze_json_int (row, "scratch", (int64_t)group->scratch);
  if (group->row_rank == 0)
    return;
  adze_json_int (row, "row-rank", group->row_rank);
  adze_json_bool (row, "observes-whole", group->observes_whole);
  /* A number has 63 bits; the first output is never one of these. */
  adze_json_int (row, "once", (int64_t)(group->once >> 1));
}

/* What a group is made of while it is read. */
typedef struct group_copy {
  adze_pick *inputs;
  adze_tensor_meta **metas;
  adze_tensor_meta *outputs;
  size_t count;
  char *note;
} group_copy;

static void
group_copy_cleanup (group_copy *copy)
{
  for (size_t i = 0; i < copy->count; i++)
    free (copy->metas[i]);
  free (copy->metas);
  free (copy->outputs);
  free (copy->inputs);
  free (copy->note);
}

static adze_error *
read_picks (const adze_value *list, group_copy *copy)
{
  copy->inputs = calloc (list->count / 2 + 1, sizeof *copy->inputs);
  if (!copy->inputs)
    return adze_error_memory ();
  for (size_t i = 0; i + 1 < list->count; i += 2) {
    int64_t port = list->items[i]->integer, index = list->items[i + 1]->integer;
    if (port < 0 || port > UINT32_MAX || index < 0 || index > UINT32_MAX)
      return adze_wire_damaged ("a group");
    copy->inputs[i / 2] = (adze_pick){ (uint32_t)port, (uint32_t)index };
  }
  return NULL;
}

static adze_error *
read_outputs (const adze_value *list, group_copy *copy)
{
  copy->metas = calloc (list->count + 1, sizeof *copy->metas);
  copy->outputs = calloc (list->count + 1, sizeof *copy->outputs);
  if (!copy->metas || !copy->outputs)
    return adze_error_memory ();
  for (size_t i = 0; i < list->count; i++) {
    ADZE_TRY (adze_wire_meta_from (list->items[i], &copy->metas[i]));
    copy->outputs[i] = *copy->metas[i];
    copy->count++;
  }
  return NULL;
}

static adze_error *
read_group (const adze_value *row, group_copy *copy, adze_outline *outline)
{
  const adze_value *inputs = adze_value_get (row, "inputs");
  const adze_value *outputs = adze_value_get (row, "outputs");
  if (!inputs || !outputs || inputs->type != ADZE_VALUE_LIST || outputs->type != ADZE_VALUE_LIST
      || inputs->count % 2 != 0 || inputs->count > UINT32_MAX || outputs->count > UINT32_MAX)
    return adze_wire_damaged ("a group");
  ADZE_TRY (read_picks (inputs, copy));
  ADZE_TRY (read_outputs (outputs, copy));
  if (adze_value_get (row, "note"))
    ADZE_TRY (adze_wire_text_from (adze_value_get (row, "note"), &copy->note, NULL));
  uint64_t row_rank = 0, once = 0, scratch = 0;
  if (adze_value_get (row, "scratch") && !adze_wire_number (row, "scratch", INT64_MAX, &scratch))
    return adze_wire_damaged ("a group");
  if (adze_value_get (row, "row-rank")
      && (!adze_wire_number (row, "row-rank", UINT32_MAX, &row_rank)
          || !adze_wire_number (row, "once", INT64_MAX, &once)))
    return adze_wire_damaged ("a group");
  const adze_group group = { .struct_size = sizeof group,
                             .input_count = (uint32_t)(inputs->count / 2),
                             .inputs = copy->inputs,
                             .outputs = copy->outputs,
                             .output_count = (uint32_t)copy->count,
                             .meta_size = sizeof *copy->outputs,
                             .same_bytes = adze_wire_truth (row, "same-bytes"),
                             .at_most = adze_wire_truth (row, "at-most"),
                             .note = copy->note,
                             .row_rank = (uint32_t)row_rank,
                             .observes_whole = adze_wire_truth (row, "observes-whole"),
                             .once = once << 1,
                             .scratch = (uint64_t)scratch };
  return adze_outline_add (outline, &group);
}

/* ---- The answer: named values. */

static size_t
items_size (const adze_meta *meta)
{
  return (size_t)meta->count * adze_meta_number_size (meta->item);
}

static void
add_meta (const adze_meta *meta, adze_value *row)
{
  adze_json_int (row, "type", meta->type);
  adze_json_int (row, "bits", (int64_t)meta->bits);
  if (meta->type == ADZE_META_STRING)
    adze_wire_text (row, "text", meta->text.data ? meta->text.data : "", meta->text.size);
  if (meta->type != ADZE_META_ARRAY)
    return;
  adze_json_int (row, "item", meta->item);
  adze_json_int (row, "count", (int64_t)meta->count);
  if (items_size (meta) > 0)
    adze_wire_text (row, "bytes", meta->items, items_size (meta));
  if (items_size (meta) > 0 || meta->count == 0)
    return;
  adze_value *list = adze_json_list (row, "items");
  for (uint64_t i = 0; i < meta->count; i++) {
    const adze_text *text = (const adze_text *)meta->items + i;
    if (meta->item == ADZE_META_STRING)
      adze_wire_text (list, NULL, text->data ? text->data : "", text->size);
    else
      add_meta ((const adze_meta *)meta->items + i, adze_json_table (list, NULL));
  }
}

static void
meta_cleanup (adze_meta *meta)
{
  free ((char *)meta->text.data);
  for (uint64_t i = 0; meta->type == ADZE_META_ARRAY && meta->items && i < meta->count; i++) {
    if (meta->item == ADZE_META_STRING)
      free ((char *)((const adze_text *)meta->items)[i].data);
    else if (meta->item == ADZE_META_ARRAY)
      meta_cleanup ((adze_meta *)meta->items + i);
  }
  free ((void *)meta->items);
  *meta = (adze_meta){ 0 };
}

static adze_error *
read_text (const adze_value *value, adze_text *text)
{
  char *data = NULL;
  size_t size = 0;
  ADZE_TRY (adze_wire_text_from (value, &data, &size));
  *text = (adze_text){ data, size };
  return NULL;
}

static adze_error *
read_items (const adze_value *row, unsigned depth, adze_meta *meta)
{
  const adze_value *list = adze_value_get (row, "items");
  bool texts = meta->item == ADZE_META_STRING;
  if (!list || list->type != ADZE_VALUE_LIST || list->count != meta->count)
    return adze_wire_damaged ("a named value");
  uint64_t count = meta->count;
  meta->count = 0;
  meta->items = calloc (count + 1, texts ? sizeof (adze_text) : sizeof (adze_meta));
  if (!meta->items)
    return adze_error_memory ();
  for (uint64_t i = 0; i < count; i++) {
    meta->count++;
    ADZE_TRY (texts ? read_text (list->items[i], (adze_text *)meta->items + i)
                    : read_meta (list->items[i], depth + 1, (adze_meta *)meta->items + i));
  }
  return NULL;
}

static adze_error *
read_array (const adze_value *row, unsigned depth, adze_meta *meta)
{
  uint64_t item, count;
  if (!adze_wire_number (row, "item", ADZE_META_F64, &item)
      || !adze_wire_number (row, "count", UINT32_MAX, &count))
    return adze_wire_damaged ("a named value");
  meta->item = (uint32_t)item;
  meta->count = count;
  if (count == 0)
    return NULL;
  if (adze_meta_number_size (meta->item) == 0)
    return read_items (row, depth, meta);
  adze_text bytes = { NULL, 0 };
  ADZE_TRY (read_text (adze_value_get (row, "bytes"), &bytes));
  meta->items = bytes.data;
  return bytes.size == items_size (meta) ? NULL : adze_wire_damaged ("a named value");
}

static adze_error *
read_meta (const adze_value *row, unsigned depth, adze_meta *meta)
{
  uint64_t type;
  const adze_value *bits = adze_value_get (row, "bits");
  if (depth > ADZE_META_DEPTH_MAX || !adze_wire_number (row, "type", ADZE_META_F64, &type) || !bits
      || bits->type != ADZE_VALUE_INT)
    return adze_wire_damaged ("a named value");
  meta->type = (uint32_t)type;
  meta->bits = (uint64_t)bits->integer;
  if (type == ADZE_META_STRING)
    return read_text (adze_value_get (row, "text"), &meta->text);
  return type == ADZE_META_ARRAY ? read_array (row, depth, meta) : NULL;
}

static void
add_edit (const adze_outline_edit *edit, adze_value *row)
{
  adze_wire_text (row, "key", edit->key, edit->key_size);
  if (!edit->remove && edit->holder.count > 0)
    add_meta (&edit->holder.entries[0].value, adze_json_table (row, "value"));
}

static adze_error *
read_edit (const adze_value *row, adze_outline *outline)
{
  ADZE_AUTO_FREE char *key = NULL;
  size_t size = 0;
  adze_meta meta = { 0 };
  const adze_value *value = adze_value_get (row, "value");
  ADZE_TRY (adze_wire_text_from (adze_value_get (row, "key"), &key, &size));
  adze_error *error = value ? read_meta (value, 0, &meta) : NULL;
  if (!error)
    error = adze_outline_metadata (outline, (adze_text){ key, size }, value ? &meta : NULL);
  meta_cleanup (&meta);
  return error;
}

/* ---- The answer: traits. */

static void
add_trait (const adze_outline_trait *trait, adze_value *row)
{
  adze_wire_text (row, "tensor", trait->tensor, strlen (trait->tensor));
  adze_wire_text (row, "id", trait->id, strlen (trait->id));
  if (!trait->json || !row)
    return;
  ADZE_AUTO (adze_buffer) text = { 0 };
  adze_json_write (trait->json, 0, &text);
  row->failed = row->failed || text.failed;
  adze_json_string (row, "json", text.data);
}

static adze_error *
read_trait (const adze_value *row, adze_outline *outline)
{
  ADZE_AUTO_FREE char *tensor = NULL;
  ADZE_AUTO_FREE char *id = NULL;
  const adze_value *json = adze_value_get (row, "json");
  ADZE_TRY (adze_wire_text_from (adze_value_get (row, "tensor"), &tensor, NULL));
  ADZE_TRY (adze_wire_text_from (adze_value_get (row, "id"), &id, NULL));
  return adze_outline_trait_text (outline, tensor, id, json ? json->string : NULL);
}

/* ---- The whole of it. */

void
adze_outline_answer_value (const adze_outline *outline, adze_value *into)
{
  adze_value *groups = adze_json_list (into, "groups");
  for (size_t i = 0; i < outline->group_count; i++)
    add_group (&outline->groups[i], adze_json_table (groups, NULL));
  adze_value *edits = adze_json_list (into, "metadata");
  for (size_t i = 0; i < outline->edit_count; i++)
    add_edit (&outline->edits[i], adze_json_table (edits, NULL));
  adze_value *traits = adze_json_list (into, "traits");
  for (size_t i = 0; i < outline->trait_count; i++)
    add_trait (&outline->traits[i], adze_json_table (traits, NULL));
  adze_value *codecs = adze_json_list (into, "codecs");
  for (size_t i = 0; outline->codecs && i < outline->codecs->count; i++)
    adze_json_string (codecs, NULL, outline->codecs->items[i]->string);
}

static adze_error *
read_codecs (const adze_value *list, adze_outline *outline)
{
  if (!list || list->type != ADZE_VALUE_LIST)
    return adze_wire_damaged ("an outline");
  for (size_t i = 0; i < list->count; i++)
    if (list->items[i]->type != ADZE_VALUE_STRING)
      return adze_wire_damaged ("an outline");
  outline->codecs = adze_value_copy (list);
  return outline->codecs ? NULL : adze_error_memory ();
}

static adze_error *
add_groups (const adze_value *list, adze_outline *outline)
{
  for (size_t i = 0; i < list->count; i++) {
    group_copy copy = { 0 };
    adze_error *error = read_group (list->items[i], &copy, outline);
    group_copy_cleanup (&copy);
    if (error)
      return error;
  }
  return NULL;
}

adze_error *
adze_outline_answer_from (adze_outline *outline, const adze_value *answer)
{
  const adze_value *groups = adze_value_get (answer, "groups");
  const adze_value *edits = adze_value_get (answer, "metadata");
  const adze_value *traits = adze_value_get (answer, "traits");
  if (!groups || groups->type != ADZE_VALUE_LIST || !edits || edits->type != ADZE_VALUE_LIST
      || !traits || traits->type != ADZE_VALUE_LIST)
    return adze_wire_damaged ("an outline");
  ADZE_TRY (add_groups (groups, outline));
  for (size_t i = 0; i < edits->count; i++)
    ADZE_TRY (read_edit (edits->items[i], outline));
  for (size_t i = 0; i < traits->count; i++)
    ADZE_TRY (read_trait (traits->items[i], outline));
  ADZE_TRY (read_codecs (adze_value_get (answer, "codecs"), outline));
  return adze_outline_check (outline);
}
