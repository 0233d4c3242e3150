/* SPDX-License-Identifier: Apache-2.0 */
/* call.c: what kernels ask and say: types, memory, axes, refusals. */
#include "ref.h"

/* ---- Types. */

ref_type
ref_type_of (adze_dtype dtype)
{
  static const struct {
    uint8_t code, bits;
    ref_type type;
  } types[] = {
    { ADZE_FLOAT, 32, REF_F32 }, { ADZE_FLOAT, 64, REF_F64 },   { ADZE_FLOAT, 16, REF_F16 },
    { ADZE_INT, 8, REF_I8 },     { ADZE_INT, 16, REF_I16 },     { ADZE_INT, 32, REF_I32 },
    { ADZE_INT, 64, REF_I64 },   { ADZE_UINT, 8, REF_U8 },      { ADZE_UINT, 16, REF_U16 },
    { ADZE_UINT, 32, REF_U32 },  { ADZE_UINT, 64, REF_U64 },    { ADZE_BOOL, 8, REF_BOOL },
    { ADZE_BFLOAT, 16, REF_BF16 },
  };
  for (size_t i = 0; i < sizeof types / sizeof *types; i++)
    if (dtype.code == types[i].code && dtype.bits == types[i].bits && dtype.lanes == 1)
      return types[i].type;
  return REF_OTHER;
}

const char *
ref_type_name (adze_dtype dtype)
{
  static const char *const names[]
      = { "float32", "float64", "int8",   "int16", "int32",   "int64",    "uint8",
          "uint16",  "uint32",  "uint64", "bool",  "float16", "bfloat16", "another type" };
  return names[ref_type_of (dtype)];
}

size_t
ref_size_of (adze_dtype dtype)
{
  return dtype.bits % 8 == 0 ? (size_t)dtype.bits / 8 * dtype.lanes : 0;
}

/* ---- Memory. */

void *
ref_take (ref_call *call, size_t count, size_t size)
{
  ref_memory *memory = call->memory;
  size_t bytes;
  if (__builtin_mul_overflow (count, size, &bytes) || bytes > SIZE_MAX / 2)
    return NULL;
  bytes = (bytes + 64) / 64 * 64;
  if (bytes <= memory->lent_size - memory->lent_used) {
    memory->lent_used += bytes;
    return memory->lent + memory->lent_used - bytes;
  }
  memory->wanted += bytes;
  if (bytes <= memory->size - memory->used) {
    memory->used += bytes;
    return memory->block + memory->used - bytes;
  }
  /* What did not fit has in front of it the way to the one before. */
  struct ref_more *more = call->host->allocate (call->host, bytes + 64);
  if (!more)
    return NULL;
  more->next = memory->more;
  memory->more = more;
  return (char *)more + 64;
}

void
ref_memory_settle (const adze_host *host, ref_memory *memory)
{
  for (struct ref_more *more = memory->more, *next; more; more = next) {
    next = more->next;
    host->release (host, more);
  }
  memory->more = NULL;
  memory->used = 0;
  if (memory->wanted > memory->size) {
    /* Without memory the next call asks for it piece by piece again. */
    host->release (host, memory->block);
    memory->block = host->allocate (host, memory->wanted);
    memory->size = memory->block ? memory->wanted : 0;
  }
  memory->wanted = 0;
}

/* ---- Refusals. */

adze_status
ref_refuse (const ref_call *call, adze_status status, const char *format, ...)
{
  char reason[640];
  const adze_graph_node *node = call->node;
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (reason, sizeof reason, format, arguments);
  va_end (arguments);
  return adze_fail (call->host, status, "node %u%s%s%s (%s%s%s): %s", node->number,
                    node->name[0] ? " '" : "", node->name, node->name[0] ? "'" : "", node->domain,
                    node->domain[0] ? "." : "", node->op, reason);
}

adze_status
ref_no_memory (const ref_call *call)
{
  return ref_refuse (call, ADZE_E_MEMORY, "no memory for what it needs beside its outputs");
}

adze_status
ref_refuse_type (const ref_call *call, size_t index)
{
  const adze_view *in = ref_in (call, index);
  if (!in)
    return ref_refuse (call, ADZE_E_FORMAT, "input %zu is left out, and it needs one", index);
  return ref_refuse (call, ADZE_E_UNSUPPORTED, "input %zu is of type %s, which it does not take",
                     index, ref_type_name (in->dtype));
}

adze_status
ref_check_same_type (const ref_call *call, size_t count)
{
  const adze_view *first = ref_in (call, 0);
  if (!first)
    return ref_refuse_type (call, 0);
  for (size_t i = 1; i < count; i++) {
    const adze_view *in = ref_in (call, i);
    if (in && !adze_dtype_same (in->dtype, first->dtype))
      return ref_refuse (call, ADZE_E_FORMAT, "input %zu is of type %s and the first one of %s; "
                         "they must be the same", i, ref_type_name (in->dtype),
                         ref_type_name (first->dtype));
  }
  return ADZE_OK;
}

adze_status
ref_check_input (const ref_call *call, size_t index, ref_type type, int32_t rank)
{
  const adze_view *in = ref_in (call, index);
  if (!in || ref_view_type (in) != type)
    return ref_refuse_type (call, index);
  if (rank >= 0 && in->rank != rank)
    return ref_refuse (call, ADZE_E_FORMAT, "input %zu has %d dimensions; it needs %d", index,
                       in->rank, rank);
  return ADZE_OK;
}

bool
ref_same_shape (const adze_view *a, const adze_view *b)
{
  for (int32_t i = 0; a->rank == b->rank && i < a->rank; i++)
    if (a->shape[i] != b->shape[i])
      return false;
  return a->rank == b->rank;
}

adze_status
ref_axis (const ref_call *call, int64_t axis, int32_t rank, int32_t *into)
{
  if (axis < -(int64_t)rank || axis >= rank)
    return ref_refuse (call, ADZE_E_FORMAT, "axis %lld is not one of %d dimensions",
                       (long long)axis, rank);
  *into = (int32_t)(axis < 0 ? axis + rank : axis);
  return ADZE_OK;
}

adze_status
ref_ints (ref_call *call, size_t index, const int64_t **ints, size_t *count)
{
  const adze_view *in = ref_in (call, index);
  *ints = NULL;
  *count = 0;
  if (!in)
    return ADZE_OK;
  ref_type type = ref_view_type (in);
  if (type != REF_I32 && type != REF_I64)
    return ref_refuse_type (call, index);
  if (in->rank > 1)
    return ref_refuse (call, ADZE_E_FORMAT, "input %zu has %d dimensions; it needs one", index,
                       in->rank);
  size_t size = adze_view_count (in);
  int64_t *copy = ref_take (call, size, sizeof *copy);
  if (!copy)
    return ref_no_memory (call);
  const void *data = adze_view_data (in);
  for (size_t i = 0; i < size; i++)
    copy[i] = type == REF_I64 ? ((const int64_t *)data)[i] : ((const int32_t *)data)[i];
  *ints = copy;
  *count = size;
  return ADZE_OK;
}

/* ---- Shapes. */

size_t
ref_product (const adze_view *view, int32_t first, int32_t last)
{
  size_t product = 1;
  for (int32_t i = first; i < last; i++)
    product *= (size_t)view->shape[i];
  return product;
}

size_t
ref_grain (size_t cost)
{
  /* Enough for handing a piece to another thread to be worth it. */
  const size_t piece = 131072;
  return cost < piece ? piece / (cost ? cost : 1) : 1;
}
