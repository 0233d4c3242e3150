/* SPDX-License-Identifier: Apache-2.0 */
/* Tensors on their way between processes. */
#include "work/wire.h"

#include <string.h>

enum { RANK_MOST = 32 };

static void
add_shape (adze_value *table, const char *key, const int64_t *shape, int32_t rank)
{
  adze_value *list = adze_json_list (table, key);
  for (int32_t i = 0; i < rank; i++)
    adze_json_int (list, NULL, shape[i]);
}

adze_error *
adze_wire_describe (const adze_tensor *tensor, adze_value *table)
{
  const adze_view *view = &tensor->view;
  adze_json_string (table, "name", tensor->name ? tensor->name : "");
  adze_json_int (table, "code", view->dtype.code);
  adze_json_int (table, "bits", view->dtype.bits);
  adze_json_int (table, "lanes", view->dtype.lanes);
  add_shape (table, "shape", view->shape, view->rank);
  adze_json_int (table, "bytes", (int64_t)tensor->byte_size);
  if (tensor->codec) {
    adze_json_string (table, "codec", tensor->codec);
    if (tensor->block_shape)
      add_shape (table, "block", tensor->block_shape, view->rank);
  }
  return adze_json_failed (table) ? adze_error_memory () : NULL;
}

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
  int64_t at[32] = { 0 };
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

static bool
integer_at (const adze_value *table, const char *key, int64_t most, int64_t *number)
{
  const adze_value *value = adze_value_get (table, key);
  if (!value || value->type != ADZE_VALUE_INT || value->integer < 0 || value->integer > most)
    return false;
  *number = value->integer;
  return true;
}

static adze_error *
bad_description (void)
{
  return adze_error_new (ADZE_E_FORMAT, "a tensor's description from the other process is damaged");
}

/* Of a list of integers; the caller has made sure that SHAPE is long enough. */
static bool
read_shape (const adze_value *list, int64_t *shape)
{
  for (size_t i = 0; i < list->count; i++) {
    if (list->items[i]->type != ADZE_VALUE_INT)
      return false;
    shape[i] = list->items[i]->integer;
  }
  return true;
}

/* Of a tensor with a codec: is all that its blocks are described by sound? */
static bool
is_blocks (const adze_value *table, const int64_t *shape, size_t rank)
{
  const adze_value *codec = adze_value_get (table, "codec");
  const adze_value *block = adze_value_get (table, "block");
  int64_t block_shape[RANK_MOST];
  size_t bytes;
  if (codec->type != ADZE_VALUE_STRING)
    return false;
  ADZE_AUTO_ERROR impossible
      = adze_tensor_bytes ((adze_dtype){ ADZE_OPAQUE, 8, 1 }, (int32_t)rank, shape, &bytes);
  if (impossible || !block)
    return !impossible;
  if (block->type != ADZE_VALUE_LIST || block->count != rank || !read_shape (block, block_shape))
    return false;
  for (size_t i = 0; i < rank; i++)
    if (block_shape[i] < 1)
      return false;
  return true;
}

adze_error *
adze_wire_allocate (const adze_value *table, const char *name, adze_result *result)
{
  int64_t shape[RANK_MOST + 1], code, bits, lanes, bytes;
  const adze_value *list = adze_value_get (table, "shape");
  if (!integer_at (table, "code", UINT8_MAX, &code) || !integer_at (table, "bits", UINT8_MAX, &bits)
      || !integer_at (table, "lanes", UINT16_MAX, &lanes)
      || !integer_at (table, "bytes", INT64_MAX, &bytes) || !list
      || list->type != ADZE_VALUE_LIST || list->count > RANK_MOST || !read_shape (list, shape))
    return bad_description ();
  adze_dtype dtype = { (uint8_t)code, (uint8_t)bits, (uint16_t)lanes };
  const adze_value *codec = adze_value_get (table, "codec");
  if (codec && !is_blocks (table, shape, list->count))
    return bad_description ();
  /* The bytes of blocks say nothing about the logical shape: room is made by their number. */
  adze_dtype room = codec ? (adze_dtype){ ADZE_OPAQUE, 8, 1 } : dtype;
  const int64_t *room_shape = codec ? &bytes : shape;
  int32_t room_rank = codec ? 1 : (int32_t)list->count;
  size_t needed = 0;
  /* Before there is room for anything: a shape that the bytes do not fill is a claim only. */
  ADZE_TRY (adze_tensor_bytes (room, room_rank, room_shape, &needed));
  if (needed != (uint64_t)bytes)
    return bad_description ();
  ADZE_TRY (adze_result_allocate (result, name, room, room_rank, room_shape));
  if (!codec)
    return NULL;
  const adze_value *block = adze_value_get (table, "block");
  size_t rank = list->count;
  int64_t *shapes = calloc (2 * rank + 1, sizeof *shapes);
  if (!shapes) {
    adze_result_cleanup (result);
    return adze_error_memory ();
  }
  memcpy (shapes, shape, rank * sizeof *shapes);
  if (block)
    read_shape (block, shapes + rank);
  free (result->shape);
  result->shape = shapes;
  result->tensor.view.shape = shapes;
  result->tensor.view.rank = (int32_t)rank;
  result->tensor.view.dtype = dtype;
  result->tensor.codec = codec->string;
  result->tensor.block_shape = block ? shapes + rank : NULL;
  return NULL;
}
