/* SPDX-License-Identifier: Apache-2.0 */
/* onnx/write.c: from a cargo to a layout.
 *
 * The part "onnx.model/1" is walked as a file is, and each weight gets its numbers back, or a word
 * of where they are. What is not a weight is copied. A weight whose type or shape is another one
 * than the graph computes with is refused, and so is one that the graph does not have.
 */
#include "onnx.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "external.h"
#include "weights.h"

/* External data begins at multiples of a page, as ONNX asks, so that it can be mapped. */
#define ALIGNMENT 4096
/* Protobuf's readers take no message of more bytes. */
#define FILE_SIZE_MAX INT32_MAX

typedef struct crate {
  const char *name;
  size_t index; /* in the cargo */
  bool used;
} crate;

/* What walk number two finds out about a weight, for when it is laid out. */
typedef struct place {
  size_t index;    /* in the cargo */
  uint64_t size;   /* bytes */
  uint64_t offset; /* in the external file */
  uint32_t field;  /* where the numbers are inline */
  bool external;
} place;

typedef struct writer {
  onnx_walk walk; /* first, so that its callbacks find the rest */
  const adze_host *host;
  const adze_cargo *cargo;
  adze_layout *layout;
  const adze_cargo_service *cargos;
  const adze_layout_service *layouts;
  onnx_input input; /* the model of the part */
  const uint8_t *items; /* of the part */
  uint64_t metadata_at;
  bool metadata_put;
  onnx_weights weights;
  crate *crates; /* sorted by name */
  place *places;
  size_t count; /* of crates */
  size_t next;  /* weight of this walk */
  /* How external data is wanted. */
  bool keep, always;
  uint64_t threshold;
  char file_name[ONNX_FILE_NAME_MAX + 1];
  uint32_t file; /* 0: not begun */
} writer;

/* ---- The cargo. */

static int
compare_crates (const void *a, const void *b)
{
  return strcmp (((const crate *)a)->name, ((const crate *)b)->name);
}

static adze_status
sort_cargo (writer *self)
{
  self->count = self->cargos->count (self->host, self->cargo);
  if (self->count == 0)
    return ADZE_OK;
  self->crates = (crate *)self->host->allocate (self->host, self->count * sizeof *self->crates);
  if (!self->crates)
    return adze_fail (self->host, ADZE_E_MEMORY, "there is no memory for %zu tensors",
                      self->count);
  for (size_t i = 0; i < self->count; i++) {
    adze_tensor_meta meta = { .struct_size = sizeof meta };
    adze_status status = self->cargos->tensor (self->host, self->cargo, i, &meta);
    if (status != ADZE_OK)
      return status;
    self->crates[i] = (crate){ meta.name, i, false };
  }
  qsort (self->crates, self->count, sizeof *self->crates, compare_crates);
  return ADZE_OK;
}

static adze_status
check_used (writer *self)
{
  for (size_t i = 0; i < self->count; i++)
    if (!self->crates[i].used)
      return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                        "'%s' is no weight of the model's graph, and its nodes ask for their "
                        "weights by name: ONNX takes no tensor that was added or renamed; leave "
                        "the name as it was, or write it as safetensors with drop-graph = true, "
                        "which leaves the graph out",
                        self->crates[i].name);
  return ADZE_OK;
}

/* ---- Weights. */

static void
shape_text (int32_t rank, const int64_t *shape, char *into, size_t size)
{
  size_t length = (size_t)snprintf (into, size, "[");
  for (int32_t i = 0; i < rank && length < size; i++)
    length += (size_t)snprintf (into + length, size - length, i ? ", %" PRId64 : "%" PRId64,
                                shape[i]);
  if (length < size)
    snprintf (into + length, size - length, "]");
}

/* Nodes were made for a type and a shape: another one would be another graph. */
static adze_status
check_kind (writer *self, const onnx_tensor *tensor, const adze_tensor_meta *meta)
{
  const onnx_type *type = meta->codec ? NULL : onnx_type_of (meta->dtype);
  if (type != tensor->type)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "the graph computes with '%s' as %s, and now it is %s: changing the type of "
                      "a weight alone makes a model that no runtime loads; leave its type, or write "
                      "it as safetensors with drop-graph = true, which leaves the graph out",
                      meta->name, tensor->type->name,
                      type          ? type->name
                      : meta->codec ? meta->codec
                                    : "of a type that ONNX does not have");
  bool same = meta->rank == tensor->rank;
  for (int32_t i = 0; same && i < meta->rank; i++)
    same = meta->shape[i] == tensor->dims[i];
  if (same)
    return ADZE_OK;
  char was[256], is[256];
  shape_text (tensor->rank, tensor->dims, was, sizeof was);
  shape_text (meta->rank, meta->shape, is, sizeof is);
  return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                    "the graph computes with '%s' as %s, and now its shape is %s: changing the "
                    "shape of a weight alone makes a model that no runtime loads; leave its shape, or "
                    "write it as safetensors with drop-graph = true, which leaves the graph out",
                    meta->name, was, is);
}

static adze_status
find_crate (writer *self, const onnx_item *item, const onnx_tensor *tensor, place *into)
{
  const crate wanted = { item->name, 0, false };
  crate *found = self->count == 0 ? NULL
                                  : (crate *)bsearch (&wanted, self->crates, self->count,
                                                      sizeof wanted, compare_crates);
  if (!found)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "the graph needs a weight '%s', and there is none of that name: ONNX does "
                      "without no weight; leave it in, with its name as it was, or write it as "
                      "safetensors with drop-graph = true, which leaves the graph out",
                      item->name);
  adze_tensor_meta meta = { .struct_size = sizeof meta };
  adze_status status = self->cargos->tensor (self->host, self->cargo, found->index, &meta);
  if (status == ADZE_OK)
    status = check_kind (self, tensor, &meta);
  found->used = true;
  into->index = found->index;
  into->size = tensor->bytes;
  return status;
}

/* Bytes before the numbers of an inline weight. */
static size_t
put_head (const onnx_item *item, const place *at, uint8_t *into)
{
  into[0] = (uint8_t)(at->field << 3 | ONNX_BYTES);
  return 1 + onnx_varint_put (into + 1, at->size, item->width);
}

static adze_status
begin_file (writer *self)
{
  if (self->file)
    return ADZE_OK;
  return self->layouts->file (self->host, self->layout, self->file_name, &self->file);
}

/* Puts the numbers into the other file at once; what the model says of them comes later. */
static adze_status
lay_outside (writer *self, const onnx_tensor *tensor, place *at, int64_t *growth)
{
  uint8_t entries[ONNX_EXTERNAL_ROOM];
  if (tensor->external.number)
    return onnx_tensor_fail (&self->input, tensor, ADZE_E_UNSUPPORTED,
                             "has entries in external_data whose meaning is not known, and which "
                             "may not be true of another file; external = \"never\" leaves them "
                             "without effect");
  adze_status status = begin_file (self);
  if (status == ADZE_OK)
    status = self->layouts->align (self->host, self->layout, self->file, ALIGNMENT);
  if (status != ADZE_OK)
    return status;
  at->offset = self->layouts->length (self->host, self->layout, self->file);
  *growth += (int64_t)onnx_external_put (entries, self->file_name, at->offset, at->size);
  return self->layouts->tensor (self->host, self->layout, self->file, at->index);
}

/* Where numbers come, and where a data_location that no longer holds goes. */
static adze_status
edit_tensor (writer *self, const onnx_tensor *tensor, uint64_t hole, size_t number,
             int64_t *growth)
{
  onnx_edits *edits = &self->walk.edits;
  const onnx_field *location = &tensor->location;
  bool stale = self->places[number].external && location->number;
  bool first = stale && location->at < hole;
  uint64_t size = location->end - location->at;
  adze_status status = ADZE_OK;
  if (stale)
    *growth -= (int64_t)size;
  if (first)
    status = onnx_edits_add (edits, ONNX_CUT, location->at, size, 0);
  if (status == ADZE_OK)
    status = onnx_edits_add (edits, ONNX_WEIGHT, hole, 0, number);
  if (status == ADZE_OK && stale && !first)
    status = onnx_edits_add (edits, ONNX_CUT, location->at, size, 0);
  return status;
}

static adze_status
refuse_part (const writer *self)
{
  return adze_fail (self->host, ADZE_E_FORMAT, "the part '%s' is damaged", ONNX_PART);
}

static adze_status
fill_weight (onnx_walk *walk, const onnx_weight *weight, int64_t *growth)
{
  writer *self = (writer *)walk;
  size_t number = self->next++;
  if (number >= self->weights.count)
    return refuse_part (self);
  onnx_item *item = &self->weights.items[number];
  place *at = &self->places[number];
  const onnx_tensor *tensor = &weight->tensor;
  uint64_t size = tensor->body.end - tensor->body.at;
  adze_status status = find_crate (self, item, tensor, at);
  if (status != ADZE_OK)
    return status;
  if (item->form > ONNX_EXTERNAL || item->width > ONNX_VARINT_MAX || item->hole > size
      || tensor->data_field || tensor->is_external)
    return refuse_part (self);
  if (item->form == ONNX_NONE)
    return at->size == 0
               ? self->layouts->tensor (self->host, self->layout, 0, at->index)
               : refuse_part (self);
  at->external = (self->keep && item->form == ONNX_EXTERNAL)
                 || (self->always && !weight->suffix && at->size >= self->threshold);
  at->field = item->form == ONNX_LIST ? tensor->type->field : ONNX_TENSOR_RAW;
  uint8_t head[1 + ONNX_VARINT_MAX];
  if (at->external)
    status = lay_outside (self, tensor, at, growth);
  else
    *growth += (int64_t)(put_head (item, at, head) + at->size);
  if (status != ADZE_OK)
    return status;
  return edit_tensor (self, tensor, tensor->body.at + item->hole, number, growth);
}

/* The first walk: which weights there are. */
static adze_status
collect_weight (onnx_walk *walk, const onnx_weight *weight, int64_t *growth)
{
  writer *self = (writer *)walk;
  (void)growth;
  return onnx_weights_add (&self->weights, &self->input, weight);
}

static adze_status
pass_field (onnx_walk *walk, const onnx_field *field, int64_t *growth)
{
  (void)walk;
  (void)field;
  (void)growth;
  return ADZE_OK;
}

/* ---- Metadata. */

static uint64_t
text_size (uint64_t size)
{
  return 1 + onnx_varint_size (size) + size;
}

static adze_status
metadata_size (writer *self, int64_t *growth)
{
  for (size_t i = 0;; i++) {
    adze_text key;
    const adze_meta *value;
    self->cargos->metadata (self->host, self->cargo, i, &key, &value);
    if (!key.data)
      return ADZE_OK;
    if (value->type != ADZE_META_STRING)
      return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                        "the metadata '%.*s' is no text, and ONNX has nothing else; remove it, or "
                        "make it one",
                        (int)(key.size < 100 ? key.size : 100), key.data);
    if (key.size > FILE_SIZE_MAX || value->text.size > FILE_SIZE_MAX)
      return adze_fail (self->host, ADZE_E_LIMIT, "the metadata '%.100s' is too large for ONNX",
                        key.data);
    *growth += (int64_t)text_size (text_size (key.size) + text_size (value->text.size));
  }
}

static adze_status
fill_field (onnx_walk *walk, const onnx_field *field, int64_t *growth)
{
  writer *self = (writer *)walk;
  if (self->metadata_put || (field->number && field->at < self->metadata_at))
    return ADZE_OK;
  if (field->at != self->metadata_at)
    return refuse_part (self);
  self->metadata_put = true;
  adze_status status = metadata_size (self, growth);
  return status == ADZE_OK ? onnx_edits_add (&self->walk.edits, ONNX_METADATA, field->at, 0, 0)
                           : status;
}

/* ---- The layout. */

static adze_status
lay (writer *self, const void *bytes, uint64_t size)
{
  return size == 0 ? ADZE_OK
                   : self->layouts->bytes (self->host, self->layout, 0, bytes, (size_t)size);
}

static adze_status
lay_text (writer *self, uint8_t tag, adze_text text)
{
  uint8_t head[1 + ONNX_VARINT_MAX] = { tag };
  size_t size = 1 + onnx_varint_put (head + 1, text.size, 0);
  adze_status status = lay (self, head, size);
  return status == ADZE_OK ? lay (self, text.data, text.size) : status;
}

static adze_status
lay_metadata (writer *self)
{
  for (size_t i = 0;; i++) {
    adze_text key;
    const adze_meta *value;
    self->cargos->metadata (self->host, self->cargo, i, &key, &value);
    if (!key.data)
      return ADZE_OK;
    uint8_t head[1 + ONNX_VARINT_MAX] = { ONNX_MODEL_METADATA << 3 | ONNX_BYTES };
    size_t size
        = 1 + onnx_varint_put (head + 1, text_size (key.size) + text_size (value->text.size), 0);
    adze_status status = lay (self, head, size);
    if (status == ADZE_OK)
      status = lay_text (self, 1 << 3 | ONNX_BYTES, key);
    if (status == ADZE_OK)
      status = lay_text (self, 2 << 3 | ONNX_BYTES, value->text);
    if (status != ADZE_OK)
      return status;
  }
}

static adze_status
lay_weight (writer *self, size_t number)
{
  const place *at = &self->places[number];
  uint8_t bytes[ONNX_EXTERNAL_ROOM];
  if (at->external)
    return lay (self, bytes, onnx_external_put (bytes, self->file_name, at->offset, at->size));
  adze_status status = lay (self, bytes, put_head (&self->weights.items[number], at, bytes));
  return status == ADZE_OK ? self->layouts->tensor (self->host, self->layout, 0, at->index)
                           : status;
}

static adze_status
lay_edit (writer *self, const onnx_edit *edit)
{
  uint8_t length[ONNX_VARINT_MAX];
  switch (edit->kind) {
  case ONNX_LENGTH:
    return lay (self, length, onnx_varint_put (length, edit->value, edit->width));
  case ONNX_WEIGHT:
    return lay_weight (self, (size_t)edit->value);
  case ONNX_METADATA:
    return lay_metadata (self);
  default:
    return ADZE_OK;
  }
}

static adze_status
lay_out (writer *self)
{
  uint64_t at = 0;
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < self->walk.edits.count; i++) {
    const onnx_edit *edit = &self->walk.edits.list[i];
    status = lay (self, self->input.seen + at, edit->at - at);
    if (status == ADZE_OK)
      status = lay_edit (self, edit);
    at = edit->at + edit->cut;
  }
  return status == ADZE_OK ? lay (self, self->input.seen + at, self->input.size - at) : status;
}

/* ---- The beginning. */

static adze_status
open_part (writer *self)
{
  size_t size = 0;
  const uint8_t *part
      = (const uint8_t *)self->cargos->part (self->host, self->cargo, ONNX_PART, &size);
  if (!part)
    return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                      "the model has no graph, and ONNX is a graph above all: only what was read "
                      "from an ONNX file can be written as one");
  if (size < 16 || onnx_get64 (part) > size - 16)
    return refuse_part (self);
  onnx_input_memory (&self->input, self->host, part + 8, onnx_get64 (part));
  self->metadata_at = onnx_get64 (part + 8 + self->input.size);
  self->items = part + 16 + self->input.size;
  self->walk.weight = collect_weight;
  self->walk.field = pass_field;
  int64_t growth;
  adze_status status = onnx_walk_model (&self->walk, &growth);
  if (status == ADZE_OK
      && (size - 16 - self->input.size) / ONNX_PART_ITEM != self->weights.count)
    status = refuse_part (self);
  return status == ADZE_OK ? onnx_weights_name (&self->weights, &self->input) : status;
}

static void
take_items (writer *self)
{
  const uint8_t *from = self->items;
  for (size_t i = 0; i < self->weights.count; i++, from += ONNX_PART_ITEM) {
    onnx_item *item = &self->weights.items[i];
    item->form = from[0];
    item->width = from[1];
    item->hole = onnx_get64 (from + 2);
  }
}

static adze_status
check_parts (const writer *self)
{
  const char *id;
  for (size_t i = 0; (id = self->cargos->part_id (self->host, self->cargo, i)); i++)
    if (strcmp (id, ONNX_PART) != 0)
      return adze_fail (self->host, ADZE_E_UNSUPPORTED,
                        "the part '%s' of the model has no place in an ONNX file", id);
  return ADZE_OK;
}

static adze_status
take_options (writer *self, const adze_params *params)
{
  const adze_host *host = self->host;
  const char *external = adze_param_string (host, params, "external");
  const char *name = adze_param_string (host, params, "external-file");
  const char *model = self->cargos->file_name (host, self->cargo);
  self->keep = strcmp (external, "keep") == 0;
  self->always = strcmp (external, "always") == 0;
  self->threshold = (uint64_t)adze_param_int (host, params, "external-threshold");
  int length = name[0] ? snprintf (self->file_name, sizeof self->file_name, "%s", name)
                       : snprintf (self->file_name, sizeof self->file_name, "%s.data", model);
  if (length < 0 || (size_t)length >= sizeof self->file_name || strchr (self->file_name, '/')
      || strcmp (self->file_name, model) == 0 || self->file_name[0] == '.')
    return adze_fail (host, ADZE_E_PARAM,
                      "external-file is '%.200s'; needed is the name of a file in the model's "
                      "folder, other than the model's own, without a '/' and not hidden",
                      self->file_name);
  return ADZE_OK;
}

static adze_status
write_model (writer *self, const adze_params *params)
{
  int64_t growth = 0;
  adze_status status = take_options (self, params);
  if (status == ADZE_OK)
    status = check_parts (self);
  if (status == ADZE_OK)
    status = open_part (self);
  if (status == ADZE_OK)
    status = sort_cargo (self);
  if (status != ADZE_OK)
    return status;
  take_items (self);
  self->places = (place *)self->host->allocate (
      self->host, (self->weights.count ? self->weights.count : 1) * sizeof *self->places);
  if (!self->places)
    return adze_fail (self->host, ADZE_E_MEMORY, "there is no memory for %zu weights",
                      self->weights.count);
  self->walk.edits.count = 0;
  self->walk.weight = fill_weight;
  self->walk.field = fill_field;
  status = onnx_walk_model (&self->walk, &growth);
  if (status == ADZE_OK)
    status = check_used (self);
  if (status == ADZE_OK && self->input.size + (uint64_t)growth > FILE_SIZE_MAX)
    status = adze_fail (self->host, ADZE_E_LIMIT,
                        "the file would have %" PRIu64 " bytes, and protobuf, in which ONNX is "
                        "written, has at most %d; external = \"always\" puts the weights into a "
                        "file beside it",
                        self->input.size + (uint64_t)growth, FILE_SIZE_MAX);
  return status == ADZE_OK ? lay_out (self) : status;
}

adze_status
onnx_write (const adze_host *host, const adze_params *params, const adze_cargo *cargo,
            adze_layout *layout)
{
  writer *self = (writer *)host->allocate (host, sizeof *self);
  if (!self)
    return adze_fail (host, ADZE_E_MEMORY, "there is no memory to write with");
  self->host = self->weights.host = self->walk.edits.host = host;
  self->cargo = cargo;
  self->layout = layout;
  self->cargos = adze_cargo_of (host);
  self->layouts = adze_layout_of (host);
  self->walk.input = &self->input;
  adze_status status = write_model (self, params);
  void *const owned[] = { self->crates, self->places };
  for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++)
    if (owned[i])
      host->release (host, owned[i]);
  onnx_edits_release (&self->walk.edits);
  onnx_weights_release (&self->weights);
  host->release (host, self);
  return status;
}
