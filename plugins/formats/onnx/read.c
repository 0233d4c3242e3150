/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/read.c: from a file to a catalog.
 *
 * One walk finds the weights and notes what is to be cut out; then the rest is copied, in one
 * block whose size is known by then; then the catalog is told where each weight is.
 */
#include "onnx.h"

#include <inttypes.h>
#include <string.h>

#include "external.h"
#include "values.h"
#include "weights.h"

typedef struct reader {
  onnx_walk walk; /* first, so that its callbacks find the rest */
  const adze_host *host;
  adze_file *file;
  adze_catalog *catalog;
  onnx_input input;
  onnx_weights weights;
  uint64_t limit;
  uint64_t entries; /* weights and metadata, so far */
  uint64_t held; /* bytes of structure that do not end up in the model of the part */
  uint64_t cut;  /* so far */
  uint64_t metadata_at;
  bool metadata_place, metadata_found; /* METADATA_AT is set; by an entry */
} reader;

static adze_status
hold (reader *self, uint64_t size)
{
  if (size <= self->limit && self->held <= self->limit - size) {
    self->held += size;
    return ADZE_OK;
  }
  return adze_fail (self->host, ADZE_E_LIMIT,
                    "the model's structure (all but its weights) is larger than %" PRIu64
                    " bytes; raise the limit if the file is to be trusted",
                    self->limit);
}

/* Each takes the host a while, and a file of nothing else would take seconds. No model has a tenth. */
static adze_status
count_entry (reader *self)
{
  uint64_t most = self->limit / 200 > 100000 ? self->limit / 200 : 100000;
  if (++self->entries <= most)
    return ADZE_OK;
  return adze_fail (self->host, ADZE_E_LIMIT,
                    "the model has more than %" PRIu64 " weights and texts of metadata_props, which "
                    "is the most that is read; raise the limit if the file is to be trusted",
                    most);
}

/* A list may come in millions of fields, one behind the other: they are one cut. */
static adze_status
cut (reader *self, const onnx_field *field, int64_t *growth)
{
  const onnx_edits *edits = &self->walk.edits;
  onnx_edit *last = edits->count > 0 ? &edits->list[edits->count - 1] : NULL;
  *growth -= (int64_t)(field->end - field->at);
  if (last && last->kind == ONNX_CUT && last->at + last->cut == field->at) {
    last->cut += field->end - field->at;
    return ADZE_OK;
  }
  return onnx_edits_add (&self->walk.edits, ONNX_CUT, field->at, field->end - field->at, 0);
}

/* ---- Weights. */

static void
note_form (onnx_item *item, const onnx_tensor *tensor)
{
  uint64_t size = tensor->data.end - tensor->data.body;
  item->form = ONNX_NONE;
  if (tensor->is_external)
    item->form = ONNX_EXTERNAL;
  else if (tensor->data_field)
    item->form = onnx_tensor_in_place (tensor) && tensor->data_field != ONNX_TENSOR_RAW ? ONNX_LIST
                                                                                       : ONNX_RAW;
  if (onnx_tensor_in_place (tensor) && tensor->data.width > onnx_varint_size (size))
    item->width = (uint8_t)tensor->data.width;
}

/* Does FIELD say what the numbers are, or where? Then it is cut out. */
static adze_status
is_data (reader *self, const onnx_tensor *tensor, const onnx_field *field, bool *data)
{
  *data = field->number == tensor->data_field
          || (tensor->is_external && field->number == ONNX_TENSOR_LOCATION);
  if (tensor->is_external && field->number == ONNX_TENSOR_EXTERNAL)
    return onnx_external_is_ours (&self->input, field, data);
  return ADZE_OK;
}

/* What SIZE bytes of a list take once they are decoded. Where they cannot be what the shape asks for,
 * decoding will say so. */
static uint64_t
decoded_size (const onnx_tensor *tensor, uint64_t size)
{
  bool may_be = tensor->bytes / sizeof (uint64_t) <= size;
  return may_be && tensor->bytes > size ? tensor->bytes : size;
}

static adze_status
cut_weight (onnx_walk *walk, const onnx_weight *weight, int64_t *growth)
{
  reader *self = (reader *)walk;
  const onnx_tensor *tensor = &weight->tensor;
  adze_status status = count_entry (self);
  if (status == ADZE_OK)
    status = onnx_tensor_check (&self->input, tensor);
  if (status == ADZE_OK)
    status = onnx_weights_add (&self->weights, &self->input, weight);
  if (status != ADZE_OK)
    return status;
  onnx_item *item = &self->weights.items[self->weights.count - 1];
  note_form (item, tensor);
  onnx_span rest = tensor->body;
  bool hole = false;
  while (status == ADZE_OK && item->form != ONNX_NONE) {
    onnx_field field;
    bool data = false;
    status = onnx_next (&self->input, &rest, &field);
    if (status != ADZE_OK || !field.number)
      break;
    status = is_data (self, tensor, &field, &data);
    if (status != ADZE_OK || !data)
      continue;
    if (!hole)
      item->hole = field.at - tensor->body.at;
    hole = true;
    status = cut (self, &field, growth);
  }
  if (status == ADZE_OK && item->form == ONNX_RAW && !onnx_tensor_in_place (tensor)) {
    uint64_t size = 0;
    status = onnx_values_size (&self->input, tensor, &size);
    if (status == ADZE_OK)
      status = hold (self, decoded_size (tensor, size));
  }
  return status;
}

static adze_status
find_file (reader *self, const onnx_tensor *tensor, const char *name, adze_file **file)
{
  const adze_file_service *files = adze_files_of (self->host);
  adze_status status = files->beside (self->host, self->file, name, file);
  if (status != ADZE_OK)
    onnx_tensor_fail (&self->input, tensor, status, "lies in a file of its own, '%s'", name);
  return status;
}

static adze_status
tell_weight (reader *self, const onnx_item *item)
{
  onnx_tensor tensor;
  onnx_external external;
  void *values = NULL;
  adze_found found = { .struct_size = sizeof found };
  adze_status status = onnx_tensor_parse (&self->input, item->tensor, &tensor);
  if (status != ADZE_OK)
    return status;
  found.meta = (adze_tensor_meta){ .struct_size = sizeof found.meta,
                                   .rank = tensor.rank,
                                   .name = item->name,
                                   .shape = tensor.dims,
                                   .dtype = tensor.type->dtype,
                                   .byte_size = tensor.bytes };
  if (tensor.is_external) {
    status = onnx_external_parse (&self->input, &tensor, &external);
    found.offset = external.offset;
    if (status == ADZE_OK)
      status = find_file (self, &tensor, external.file, &found.file);
  } else if (onnx_tensor_in_place (&tensor)) {
    found.file = self->file;
    found.offset = tensor.data.body;
  } else {
    status = onnx_values_decode (&self->input, &tensor, &values);
    found.data = values ? values : "";
  }
  if (status == ADZE_OK)
    status = adze_catalog_of (self->host)->tensor (self->host, self->catalog, &found);
  if (values)
    self->host->release (self->host, values);
  return status;
}

/* ---- Metadata. */

static adze_status
parse_property (reader *self, const onnx_field *field, onnx_span *key, onnx_span *value)
{
  onnx_span rest = onnx_body (field);
  *key = *value = (onnx_span){ field->end, field->end };
  for (;;) {
    onnx_field part;
    adze_status status = onnx_next (&self->input, &rest, &part);
    if (status != ADZE_OK || !part.number)
      return status;
    if (part.type != ONNX_BYTES || part.number > 2)
      return onnx_fail_at (&self->input, part.at, ADZE_E_FORMAT,
                           "an entry of metadata_props has the field %" PRIu32
                           ", where only key and value can be",
                           part.number);
    *(part.number == 1 ? key : value) = onnx_body (&part);
  }
}

static adze_status
tell_property (reader *self, const onnx_field *field)
{
  onnx_span key, value;
  if (field->type != ONNX_BYTES)
    return onnx_fail_at (&self->input, field->at, ADZE_E_FORMAT,
                         "metadata_props is no message: the file is damaged, or is no ONNX model");
  adze_status status = count_entry (self);
  if (status == ADZE_OK)
    status = parse_property (self, field, &key, &value);
  if (status == ADZE_OK)
    status = hold (self, field->end - field->at);
  if (status != ADZE_OK)
    return status;
  size_t key_size = (size_t)(key.end - key.at), value_size = (size_t)(value.end - value.at);
  char *text = (char *)self->host->allocate (self->host, key_size + value_size + 1);
  if (!text)
    return onnx_fail_at (&self->input, field->at, ADZE_E_MEMORY, "there is no memory for metadata");
  status = onnx_copy (&self->input, key.at, text, key_size);
  if (status == ADZE_OK)
    status = onnx_copy (&self->input, value.at, text + key_size, value_size);
  adze_meta meta = adze_meta_text (text + key_size, value_size);
  if (status == ADZE_OK)
    status = adze_catalog_of (self->host)
                 ->metadata (self->host, self->catalog, (adze_text){ text, key_size }, &meta);
  self->host->release (self->host, text);
  return status;
}

/* Entries stand where the first one was; in a file without, before what came to ONNX later than
 * they did. */
static adze_status
cut_field (onnx_walk *walk, const onnx_field *field, int64_t *growth)
{
  reader *self = (reader *)walk;
  bool is_property = field->number == ONNX_MODEL_METADATA;
  bool is_later = field->number > ONNX_MODEL_METADATA || field->number == 0;
  if ((is_property && !self->metadata_found) || (is_later && !self->metadata_place)) {
    self->metadata_at = (uint64_t)((int64_t)field->at + *growth);
    self->metadata_place = true;
  }
  self->metadata_found |= is_property;
  if (!is_property)
    return ADZE_OK;
  adze_status status = tell_property (self, field);
  return status == ADZE_OK ? cut (self, field, growth) : status;
}

/* ---- The part. */

static void
put_items (const reader *self, uint8_t *into)
{
  onnx_put64 (into, self->metadata_at);
  into += 8;
  for (size_t i = 0; i < self->weights.count; i++, into += ONNX_PART_ITEM) {
    const onnx_item *item = &self->weights.items[i];
    into[0] = item->form;
    into[1] = item->width;
    onnx_put64 (into + 2, item->hole);
  }
}

/* The model's bytes with all edits made; SIZE is what they come to. */
static adze_status
copy_model (reader *self, uint8_t *into, uint64_t size)
{
  const onnx_edits *edits = &self->walk.edits;
  uint64_t at = 0, filled = 0;
  for (size_t i = 0; i <= edits->count; i++) {
    const onnx_edit *edit = i < edits->count ? &edits->list[i] : NULL;
    uint64_t literal = (edit ? edit->at : self->input.size) - at;
    if (literal > size - filled)
      return adze_fail (self->host, ADZE_E_INTERNAL, "the edits of the model do not add up");
    adze_status status = onnx_copy (&self->input, at, into + filled, (size_t)literal);
    if (status != ADZE_OK)
      return status;
    filled += literal;
    if (!edit)
      break;
    at = edit->at + edit->cut;
    if (edit->kind != ONNX_LENGTH)
      continue;
    if (edit->width > size - filled)
      return adze_fail (self->host, ADZE_E_INTERNAL, "the edits of the model do not add up");
    filled += onnx_varint_put (into + filled, edit->value, edit->width);
  }
  return ADZE_OK;
}

static adze_status
tell_part (reader *self, uint64_t size)
{
  size_t items = 8 + self->weights.count * ONNX_PART_ITEM;
  size_t total = 8 + (size_t)size + items;
  uint8_t *part = (uint8_t *)self->host->allocate (self->host, total);
  if (!part)
    return adze_fail (self->host, ADZE_E_MEMORY,
                      "there is no memory for %zu bytes of the model's structure", total);
  onnx_put64 (part, size);
  adze_status status = copy_model (self, part + 8, size);
  put_items (self, part + 8 + size);
  if (status == ADZE_OK)
    status = adze_catalog_of (self->host)->part (self->host, self->catalog, ONNX_PART, part, total);
  self->host->release (self->host, part);
  return status;
}

/* They are nobody's tensors, and go wherever the graph goes: also away with it. */
static adze_status
tell_others (reader *self)
{
  const onnx_walk *walk = &self->walk;
  char name[64] = "";
  size_t size = (size_t)(walk->first_strings.end - walk->first_strings.at);
  size = size < sizeof name ? size : sizeof name - 1;
  if (walk->strings == 0 && walk->sparse == 0)
    return ADZE_OK;
  adze_status status = walk->strings > 0
                           ? onnx_copy (&self->input, walk->first_strings.at, name, size)
                           : ADZE_OK;
  if (status == ADZE_OK)
    adze_log (self->host, ADZE_LOG_WARNING,
              "%" PRIu64 " tensor%s of strings%s%s%s and %" PRIu64 " sparse one%s stay in the "
              "graph: nothing here looks into them, and a file that has no graph loses them",
              walk->strings, walk->strings == 1 ? "" : "s", walk->strings ? " (the first is '" : "",
              name, walk->strings ? "')" : "", walk->sparse, walk->sparse == 1 ? "" : "s");
  return status;
}

static adze_status
read_model (reader *self)
{
  int64_t growth = 0;
  adze_status status = onnx_walk_model (&self->walk, &growth);
  uint64_t size = (uint64_t)((int64_t)self->input.size + growth);
  if (status == ADZE_OK)
    status = hold (self, size);
  if (status == ADZE_OK)
    status = onnx_weights_name (&self->weights, &self->input);
  self->input.walked_most = self->input.fields_most = UINT64_MAX;
  for (size_t i = 0; status == ADZE_OK && i < self->weights.count; i++)
    status = tell_weight (self, &self->weights.items[i]);
  if (status == ADZE_OK)
    status = tell_others (self);
  return status == ADZE_OK ? tell_part (self, size) : status;
}

adze_status
onnx_read (const adze_host *host, const adze_params *params, adze_file *file, adze_catalog *catalog)
{
  (void)params;
  reader *self = (reader *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "there is no memory to read with");
  self->host = self->weights.host = self->walk.edits.host = host;
  self->file = file;
  self->catalog = catalog;
  self->limit = adze_catalog_of (host)->limit (host, catalog);
  onnx_input_file (&self->input, host, file);
  /* Nodes with attributes are walked over twice, their tensors three times. */
  self->input.walked_most = self->limit > UINT64_MAX / 4 ? UINT64_MAX : 4 * self->limit;
  self->input.fields_most = self->limit / 3 > 1000000 ? self->limit / 3 : 1000000;
  self->walk.input = &self->input;
  self->walk.weight = cut_weight;
  self->walk.field = cut_field;
  adze_status status = read_model (self);
  onnx_edits_release (&self->walk.edits);
  onnx_weights_release (&self->weights);
  host->release (host, self);
  return status;
}
