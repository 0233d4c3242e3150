/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors and texts on their way between processes. */
#include "stage/wire.h"

#include <string.h>

adze_error *
adze_wire_damaged (const char *what)
{
  return adze_error_new (ADZE_E_FORMAT, "%s from the other process is damaged", what);
}

/* ---- Numbers and texts. */

bool
adze_wire_number (const adze_value *table, const char *key, uint64_t most, uint64_t *number)
{
  const adze_value *value = adze_value_get (table, key);
  if (!value || value->type != ADZE_VALUE_INT || value->integer < 0
      || (uint64_t)value->integer > most)
    return false;
  *number = (uint64_t)value->integer;
  return true;
}

bool
adze_wire_truth (const adze_value *table, const char *key)
{
  const adze_value *value = adze_value_get (table, key);
  return value && value->type == ADZE_VALUE_BOOL && value->boolean;
}

static bool
is_plain (const char *data, size_t size)
{
  uint32_t code;
  for (size_t at = 0; at < size;) {
    at += adze_utf8_read (data + at, size - at, &code);
    if (code == ADZE_UTF8_BAD || code == 0)
      return false;
  }
  return true;
}

static void
add_hex (adze_value *into, const char *data, size_t size)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  for (size_t i = 0; i < size; i++)
    adze_buffer_format (&text, "%02x", (unsigned)(unsigned char)data[i]);
  if (text.failed && into)
    into->failed = true;
  else
    adze_json_string (into, "hex", text.data ? text.data : "");
}

void
adze_wire_text (adze_value *into, const char *key, const char *data, size_t size)
{
  ADZE_AUTO (adze_buffer) text = { 0 };
  if (!is_plain (data, size)) {
    add_hex (adze_json_table (into, key), data, size);
    return;
  }
  adze_buffer_add (&text, data, size);
  if (text.failed && into)
    into->failed = true;
  else
    adze_json_string (into, key, text.data ? text.data : "");
}

static int
digit_of (char c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
read_hex (const adze_value *hex, char *into)
{
  for (size_t i = 0; i < hex->string_size / 2; i++) {
    int high = digit_of (hex->string[2 * i]), low = digit_of (hex->string[2 * i + 1]);
    if (high < 0 || low < 0)
      return false;
    into[i] = (char)(high * 16 + low);
  }
  return hex->string_size % 2 == 0;
}

adze_error *
adze_wire_text_from (const adze_value *value, char **text, size_t *size)
{
  const adze_value *hex = adze_value_get (value, "hex");
  const adze_value *from = hex ? hex : value;
  if (!from || from->type != ADZE_VALUE_STRING)
    return adze_wire_damaged ("a text");
  size_t length = hex ? hex->string_size / 2 : from->string_size;
  char *fresh = malloc (length + 1);
  if (!fresh)
    return adze_error_memory ();
  fresh[length] = '\0';
  if (!hex)
    memcpy (fresh, from->string, length);
  else if (!read_hex (hex, fresh)) {
    free (fresh);
    return adze_wire_damaged ("a text");
  }
  *text = fresh;
  if (size)
    *size = length;
  return NULL;
}

/* ---- Types and shapes. */

static void
add_shape (adze_value *table, const char *key, const int64_t *shape, int32_t rank)
{
  adze_value *list = adze_json_list (table, key);
  for (int32_t i = 0; i < rank; i++)
    adze_json_int (list, NULL, shape[i]);
}

static void
add_dtype (adze_value *table, adze_dtype dtype)
{
  adze_json_int (table, "code", dtype.code);
  adze_json_int (table, "bits", dtype.bits);
  adze_json_int (table, "lanes", dtype.lanes);
}

static bool
read_dtype (const adze_value *table, adze_dtype *dtype)
{
  uint64_t code, bits, lanes;
  if (!adze_wire_number (table, "code", UINT8_MAX, &code)
      || !adze_wire_number (table, "bits", UINT8_MAX, &bits)
      || !adze_wire_number (table, "lanes", UINT16_MAX, &lanes))
    return false;
  *dtype = (adze_dtype){ (uint8_t)code, (uint8_t)bits, (uint16_t)lanes };
  return true;
}

/* The rank, or -1. SHAPE has room for ADZE_RANK_MAX. */
static int32_t
read_shape (const adze_value *list, int64_t *shape)
{
  if (!list || list->type != ADZE_VALUE_LIST || list->count > ADZE_RANK_MAX)
    return -1;
  for (size_t i = 0; i < list->count; i++) {
    if (list->items[i]->type != ADZE_VALUE_INT)
      return -1;
    shape[i] = list->items[i]->integer;
  }
  return (int32_t)list->count;
}

/* ---- Metas. */

void
adze_wire_meta (const adze_tensor_meta *meta, adze_value *table)
{
  adze_wire_text (table, "name", meta->name, strlen (meta->name));
  add_dtype (table, meta->dtype);
  add_shape (table, "shape", meta->shape, meta->rank);
  if (!meta->codec)
    return;
  adze_wire_text (table, "codec", meta->codec, strlen (meta->codec));
  adze_json_int (table, "block-elements", meta->block_elements);
  adze_json_int (table, "block-bytes", meta->block_bytes);
}

static adze_error *
read_codec (const adze_value *table, adze_tensor_meta *meta, char **codec)
{
  uint64_t elements, bytes;
  const adze_value *value = adze_value_get (table, "codec");
  if (!value)
    return NULL;
  if (!adze_wire_number (table, "block-elements", UINT32_MAX, &elements)
      || !adze_wire_number (table, "block-bytes", UINT32_MAX, &bytes))
    return adze_wire_damaged ("a tensor's description");
  ADZE_TRY (adze_wire_text_from (value, codec, NULL));
  meta->codec = *codec;
  meta->block_elements = (uint32_t)elements;
  meta->block_bytes = (uint32_t)bytes;
  return NULL;
}

adze_error *
adze_wire_meta_from (const adze_value *table, adze_tensor_meta **meta)
{
  int64_t shape[ADZE_RANK_MAX];
  ADZE_AUTO_FREE char *name = NULL;
  ADZE_AUTO_FREE char *codec = NULL;
  adze_tensor_meta read = { .struct_size = sizeof read, .shape = shape };
  uint64_t elements, bytes;
  read.rank = read_shape (adze_value_get (table, "shape"), shape);
  if (read.rank < 0 || !read_dtype (table, &read.dtype))
    return adze_wire_damaged ("a tensor's description");
  ADZE_TRY (adze_wire_text_from (adze_value_get (table, "name"), &name, NULL));
  ADZE_TRY (read_codec (table, &read, &codec));
  read.name = name;
  ADZE_TRY (adze_tensor_meta_size (&read, &elements, &bytes));
  read.byte_size = bytes;
  *meta = adze_tensor_meta_copy (&read);
  return *meta ? NULL : adze_error_memory ();
}

/* ---- Pieces. */

void
adze_wire_describe (const adze_tensor *tensor, adze_value *table)
{
  const adze_view *view = &tensor->view;
  const char *name = tensor->name ? tensor->name : "";
  adze_wire_text (table, "name", name, strlen (name));
  add_dtype (table, view->dtype);
  add_shape (table, "shape", view->shape, view->rank);
  adze_json_int (table, "bytes", (int64_t)tensor->byte_size);
  if (!tensor->codec)
    return;
  adze_wire_text (table, "codec", tensor->codec, strlen (tensor->codec));
  if (tensor->block_shape)
    add_shape (table, "block", tensor->block_shape, view->rank);
}

void
adze_arrival_cleanup (adze_arrival *arrival)
{
  free (arrival->name);
  free ((char *)arrival->tensor.codec);
  free (arrival->shape);
  free (arrival->memory);
  *arrival = (adze_arrival){ 0 };
}

/* How many elements of each dimension a block holds. */
static adze_error *
read_blocks (const adze_value *table, adze_arrival *arrival)
{
  const adze_value *codec = adze_value_get (table, "codec");
  const adze_value *block = adze_value_get (table, "block");
  int32_t rank = arrival->tensor.view.rank;
  char *text;
  if (!codec)
    return NULL;
  ADZE_TRY (adze_wire_text_from (codec, &text, NULL));
  arrival->tensor.codec = text;
  if (!block)
    return NULL;
  if (read_shape (block, arrival->shape + ADZE_RANK_MAX) != rank)
    return adze_wire_damaged ("a tensor's description");
  for (int32_t i = 0; i < rank; i++)
    if (arrival->shape[ADZE_RANK_MAX + i] < 1)
      return adze_wire_damaged ("a tensor's description");
  arrival->tensor.block_shape = arrival->shape + ADZE_RANK_MAX;
  return NULL;
}

/* A shape that the bytes do not fill is a claim only. The bytes of blocks say nothing about the
 * logical shape, which must be possible all the same. */
static adze_error *
check_bytes (const adze_tensor *tensor)
{
  size_t needed;
  const adze_dtype dtype = tensor->codec ? (adze_dtype){ ADZE_OPAQUE, 8, 1 } : tensor->view.dtype;
  ADZE_TRY (adze_tensor_bytes (dtype, tensor->view.rank, tensor->view.shape, &needed));
  return tensor->codec || needed == tensor->byte_size
             ? NULL
             : adze_wire_damaged ("a tensor's description");
}

static adze_error *
arrive (const adze_value *table, adze_arrival *arrival)
{
  adze_tensor *tensor = &arrival->tensor;
  uint64_t bytes;
  *tensor = (adze_tensor){ .struct_size = sizeof *tensor,
                           .view = { .device = { ADZE_DEVICE_CPU, 0 } } };
  arrival->shape = calloc (2 * ADZE_RANK_MAX, sizeof *arrival->shape);
  if (!arrival->shape)
    return adze_error_memory ();
  tensor->view.shape = arrival->shape;
  tensor->view.rank = read_shape (adze_value_get (table, "shape"), arrival->shape);
  if (tensor->view.rank < 0 || !read_dtype (table, &tensor->view.dtype)
      || !adze_wire_number (table, "bytes", INT64_MAX, &bytes))
    return adze_wire_damaged ("a tensor's description");
  tensor->byte_size = bytes;
  ADZE_TRY (adze_wire_text_from (adze_value_get (table, "name"), &arrival->name, NULL));
  tensor->name = arrival->name;
  ADZE_TRY (read_blocks (table, arrival));
  return check_bytes (tensor);
}

adze_error *
adze_wire_arrive (const adze_value *table, adze_arrival *arrival)
{
  *arrival = (adze_arrival){ 0 };
  adze_error *error = arrive (table, arrival);
  if (error)
    adze_arrival_cleanup (arrival);
  return error;
}

/* calloc, since for much of it the system has zeros already: what a size that was only claimed takes
 * is nothing but addresses. */
adze_error *
adze_wire_allocate (adze_arrival *arrival)
{
  enum { ALIGNMENT = 64 };
  if (arrival->tensor.byte_size > SIZE_MAX - ALIGNMENT)
    return adze_error_memory ();
  arrival->memory = calloc (1, (size_t)arrival->tensor.byte_size + ALIGNMENT);
  if (!arrival->memory)
    return adze_error_memory ();
  uintptr_t start = (uintptr_t)arrival->memory;
  size_t skip = (ALIGNMENT - start % ALIGNMENT) % ALIGNMENT;
  arrival->tensor.view.data = (char *)arrival->memory + skip;
  return NULL;
}

/* ---- Strides. */

static bool
is_compact (const adze_view *view)
{
  int64_t compact = 1;
  for (int32_t i = view->rank; view->strides && i-- > 0;) {
    if (view->shape[i] != 1 && view->strides[i] != compact)
      return false;
    compact *= view->shape[i];
  }
  return true;
}

/* Element by element, the last dimension fastest: strided tensors are rare and small. */
static void
gather (const adze_view *view, size_t element, char *to)
{
  int64_t at[ADZE_RANK_MAX] = { 0 };
  size_t count = adze_view_count (view);
  const char *from = adze_view_data (view);
  for (size_t n = 0; n < count; n++) {
    int64_t offset = 0;
    for (int32_t i = 0; i < view->rank; i++)
      offset += at[i] * view->strides[i];
    memcpy (to + n * element, from + offset * (int64_t)element, element);
    for (int32_t i = view->rank; i-- > 0;) {
      if (++at[i] < view->shape[i])
        break;
      at[i] = 0;
    }
  }
}

adze_error *
adze_wire_compact (const adze_tensor *tensor, const void **data, void **owned)
{
  const adze_view *view = &tensor->view;
  if (view->device.type != ADZE_DEVICE_CPU)
    return adze_error_new (ADZE_E_UNSUPPORTED,
                           "the tensor '%s' lies in the memory of device type %d, which another "
                           "process cannot be handed",
                           tensor->name, (int)view->device.type);
  *data = adze_view_data (view);
  if (tensor->codec || is_compact (view))
    return NULL;
  if (view->dtype.bits % 8 != 0)
    return adze_error_new (ADZE_E_UNSUPPORTED,
                           "the tensor '%s' has strides and elements of %u bits", tensor->name,
                           (unsigned)view->dtype.bits);
  *owned = malloc (tensor->byte_size + 1);
  if (!*owned)
    return adze_error_memory ();
  gather (view, (size_t)view->dtype.bits / 8 * view->dtype.lanes, *owned);
  *data = *owned;
  return NULL;
}
