/* SPDX-License-Identifier: Apache-2.0 */
/* select.c: operators whose results depend on how numbers compare: which are not zero, which are
 * the largest, which are there. */
#include "move.h"

/* ---- Comparing and sorting. */

/* Below 0, 0, above 0, as elements number A and B compare. */
typedef int (*compare_function) (const void *data, size_t a, size_t b);

#define COMPARE(which, type, suffix) \
  static int compare_##suffix (const void *data, size_t a, size_t b) \
  { \
    type x = ((const type *)data)[a], y = ((const type *)data)[b]; \
    return (x > y) - (x < y); \
  }
REF_EACH_NUMBER (COMPARE)

#define COMPARES(which, type, suffix) [which] = compare_##suffix,
static const compare_function compares[REF_OTHER + 1]
    = { REF_EACH_NUMBER (COMPARES)[REF_BOOL] = compare_u8 };

/* Items of something; item N begins at element N times STEP, and is PIECES of RUN elements each,
 * which lie APART from each other. */
typedef struct item_list {
  const void *data;
  compare_function compare;
  size_t step;
  size_t pieces, apart, run;
  bool reverse;
} item_list;

static int
compare_items (const item_list *all, size_t a, size_t b)
{
  for (size_t p = 0; p < all->pieces; p++)
    for (size_t i = 0; i < all->run; i++) {
      size_t at = p * all->apart + i;
      int order = all->compare (all->data, a * all->step + at, b * all->step + at);
      if (order)
        return all->reverse ? -order : order;
    }
  return 0;
}

/* Numbers of COUNT items in ORDER, by merging longer and longer runs; equal ones stay in order. */
static void
sort_items (const item_list *all, size_t count, size_t *order, size_t *other)
{
  for (size_t i = 0; i < count; i++)
    order[i] = i;
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t begin = 0; begin < count; begin += 2 * width) {
      size_t middle = count - begin < width ? count : begin + width;
      size_t end = count - begin < 2 * width ? count : begin + 2 * width;
      size_t a = begin, b = middle;
      for (size_t i = begin; i < end; i++) {
        bool left = a < middle && (b == end || compare_items (all, order[a], order[b]) <= 0);
        other[i] = left ? order[a++] : order[b++];
      }
    }
    memcpy (order, other, count * sizeof *order);
  }
}

/* ---- NonZero. */

static bool
is_zero (adze_dtype dtype, const char *element)
{
  uint64_t bits = 0;
  uint32_t word;
  uint16_t half;
  switch (ref_size_of (dtype)) {
  case 2:
    memcpy (&half, element, sizeof half);
    bits = half;
    break;
  case 4:
    memcpy (&word, element, sizeof word);
    bits = word;
    break;
  case 8:
    memcpy (&bits, element, sizeof bits);
    break;
  default:
    bits = *(const uint8_t *)element;
  }
  /* The sign of a float may stand at a zero. */
  if (adze_dtype_is_float (dtype))
    bits &= ~(UINT64_C (1) << (dtype.bits - 1));
  return bits == 0;
}

static adze_status
non_zero_run (ref_call *call)
{
  const adze_view *in = ref_in (call, 0);
  adze_view *out = ref_out (call, 0);
  if (!in || !out)
    return in ? ADZE_OK : ref_refuse_type (call, 0);
  if (ref_view_type (out) != REF_I64 || out->rank != 2 || out->shape[0] != in->rank)
    return ref_refuse (call, ADZE_E_CONTRACT, "gives int64 numbers, a row for each dimension");
  size_t count = adze_view_count (in), room = (size_t)out->shape[1], found = 0;
  size_t size = ref_size_of (in->dtype);
  const char *data = adze_view_data (in);
  int64_t *into = adze_view_data (out);
  for (size_t i = 0; i < count; i++) {
    if (is_zero (in->dtype, data + i * size))
      continue;
    size_t rest = i;
    for (int32_t d = in->rank; d-- > 0 && found < room;) {
      into[(size_t)d * room + found] = (int64_t)(rest % (size_t)in->shape[d]);
      rest /= (size_t)in->shape[d];
    }
    found++;
  }
  if (found != room)
    return ref_refuse (call, ADZE_E_CONTRACT, "%zu numbers are not zero, and there is room for %zu",
                       found, room);
  return ADZE_OK;
}

/* ---- Compress. */

static adze_status
compress_run (ref_call *call)
{
  const adze_view *in, *condition = ref_in (call, 1);
  adze_view *out;
  ref_move move;
  adze_status status = ref_move_begin (call, &in, &out, &move);
  if (status == ADZE_OK)
    status = ref_check_input (call, 1, REF_BOOL, 1);
  if (status != ADZE_OK || !out)
    return status;
  /* Without an axis all elements are in one line. */
  size_t outer = 1, along = adze_view_count (in), inner = 1;
  if (adze_node_attribute (call->node, "axis")) {
    int32_t axis;
    status = ref_axis (call, adze_node_int (call->node, "axis", 0), in->rank, &axis);
    if (status != ADZE_OK)
      return status;
    outer = ref_product (in, 0, axis);
    along = (size_t)in->shape[axis];
    inner = ref_product (in, axis + 1, in->rank);
  }
  const uint8_t *wanted = adze_view_data (condition);
  size_t given = (size_t)condition->shape[0], kept = 0;
  for (size_t i = 0; i < given; i++) {
    if (wanted[i] && i >= along)
      return ref_refuse (call, ADZE_E_FORMAT, "element %zu of input 1 asks for one of %zu", i,
                         along);
    kept += wanted[i] != 0;
  }
  if (outer * kept * inner != adze_view_count (out))
    return ref_refuse (call, ADZE_E_CONTRACT, "keeps %zu, and has room for %zu elements", kept,
                       adze_view_count (out));
  for (size_t o = 0, next = 0; o < outer && kept; o++)
    for (size_t i = 0; i < given; i++)
      if (wanted[i])
        memcpy (move.into + next++ * inner * move.size,
                move.out_of + (o * along + i) * inner * move.size, inner * move.size);
  return ADZE_OK;
}

/* ---- TopK. */

typedef struct top_work {
  const adze_view *in;
  adze_view *values, *indices;
  size_t along, inner, kept;
  size_t *order, *other;
  bool largest;
} top_work;

static void
top_of_line (const top_work *work, size_t line)
{
  size_t size = ref_size_of (work->in->dtype), outer = line / work->inner, at = line % work->inner;
  const char *from = adze_view_data (work->in);
  from += (outer * work->along * work->inner + at) * size;
  item_list all = { .data = from,
                    .compare = compares[ref_view_type (work->in)],
                    .step = work->inner,
                    .pieces = 1,
                    .run = 1,
                    .reverse = work->largest };
  sort_items (&all, work->along, work->order, work->other);
  for (size_t i = 0; i < work->kept; i++) {
    size_t place = (outer * work->kept + i) * work->inner + at;
    if (work->values)
      memcpy ((char *)adze_view_data (work->values) + place * size,
              from + work->order[i] * work->inner * size, size);
    if (work->indices)
      ((int64_t *)adze_view_data (work->indices))[place] = (int64_t)work->order[i];
  }
}

static adze_status
top_run (ref_call *call)
{
  top_work work = { .in = ref_in (call, 0), .values = ref_out (call, 0),
                    .indices = ref_out (call, 1),
                    .largest = adze_node_int (call->node, "largest", 1) != 0 };
  const adze_view *out = work.values ? work.values : work.indices;
  if (!work.in || !compares[ref_view_type (work.in)])
    return ref_refuse_type (call, 0);
  int32_t axis;
  adze_status status
      = ref_axis (call, adze_node_int (call->node, "axis", -1), work.in->rank, &axis);
  if (status != ADZE_OK || !out)
    return status;
  work.along = (size_t)work.in->shape[axis];
  work.inner = ref_product (work.in, axis + 1, work.in->rank);
  bool fits = out->rank == work.in->rank && out->shape[axis] <= work.in->shape[axis]
              && (!work.indices || ref_same_shape (out, work.indices));
  for (int32_t d = 0; fits && d < out->rank; d++)
    fits = d == axis || out->shape[d] == work.in->shape[d];
  if (!fits)
    return ref_refuse (call, ADZE_E_FORMAT,
                       "asks for more than the %zu that there are along axis %d", work.along, axis);
  work.kept = (size_t)out->shape[axis];
  work.order = ref_take (call, work.along, sizeof *work.order);
  work.other = ref_take (call, work.along, sizeof *work.other);
  if (!work.order || !work.other)
    return ref_no_memory (call);
  size_t lines = ref_product (work.in, 0, axis) * work.inner;
  for (size_t i = 0; i < lines; i++)
    top_of_line (&work, i);
  return ADZE_OK;
}

/* ---- Unique. */

/* What is the same has one number: its GROUP, and FIRST is where each group is seen first. */
typedef struct group_list {
  size_t items, count;
  size_t *group, *first, *size;
} group_list;

static void
make_groups (const item_list *all, const size_t *order, bool sorted, group_list *into,
             size_t *rename)
{
  into->count = 0;
  for (size_t i = 0; i < into->items; i++) {
    if (i == 0 || compare_items (all, order[i - 1], order[i]) != 0) {
      into->first[into->count] = order[i];
      into->size[into->count++] = 0;
    }
    into->group[order[i]] = into->count - 1;
    into->size[into->count - 1]++;
  }
  if (sorted)
    return;
  /* In the order in which they are seen: FIRST and SIZE are written anew, smallest first. */
  size_t next = 0;
  for (size_t i = 0; i < into->items; i++)
    if (into->first[into->group[i]] == i)
      rename[into->group[i]] = next++;
  for (size_t i = 0; i < into->items; i++)
    into->group[i] = rename[into->group[i]];
  for (size_t g = 0; g < into->count; g++)
    into->size[g] = 0;
  for (size_t i = into->items; i-- > 0;) {
    into->first[into->group[i]] = i;
    into->size[into->group[i]]++;
  }
}

static adze_status
give_numbers (ref_call *call, size_t output, const size_t *numbers, size_t count)
{
  adze_view *out = ref_out (call, output);
  if (!out)
    return ADZE_OK;
  if (ref_view_type (out) != REF_I64 || adze_view_count (out) != count)
    return ref_refuse (call, ADZE_E_CONTRACT, "output %zu is to have %zu int64 numbers", output,
                       count);
  int64_t *into = adze_view_data (out);
  for (size_t i = 0; i < count; i++)
    into[i] = (int64_t)numbers[i];
  return ADZE_OK;
}

static adze_status
give_items (ref_call *call, const item_list *all, const group_list *groups)
{
  const adze_view *in = call->inputs[0];
  adze_view *out = ref_out (call, 0);
  size_t size = ref_size_of (in->dtype);
  if (!out)
    return ADZE_OK;
  if (adze_view_count (out) != groups->count * all->pieces * all->run)
    return ref_refuse (call, ADZE_E_CONTRACT, "%zu different ones have room for %zu elements",
                       groups->count, adze_view_count (out));
  const char *from = adze_view_data (in);
  char *into = adze_view_data (out);
  for (size_t p = 0; p < all->pieces; p++)
    for (size_t g = 0; g < groups->count; g++)
      memcpy (into + (p * groups->count + g) * all->run * size,
              from + (groups->first[g] * all->step + p * all->apart) * size, all->run * size);
  return ADZE_OK;
}

static adze_status
unique_run (ref_call *call)
{
  const adze_view *in = ref_in (call, 0);
  if (!in || !compares[ref_view_type (in)])
    return ref_refuse_type (call, 0);
  item_list all = { .data = adze_view_data (in), .compare = compares[ref_view_type (in)], .step = 1,
                .pieces = 1, .run = 1 };
  group_list groups = { .items = adze_view_count (in) };
  if (adze_node_attribute (call->node, "axis")) {
    int32_t axis;
    adze_status status = ref_axis (call, adze_node_int (call->node, "axis", 0), in->rank, &axis);
    if (status != ADZE_OK)
      return status;
    groups.items = (size_t)in->shape[axis];
    all.step = all.run = ref_product (in, axis + 1, in->rank);
    all.pieces = ref_product (in, 0, axis);
    all.apart = groups.items * all.run;
  }
  size_t *order = ref_take (call, groups.items, sizeof *order);
  size_t *other = ref_take (call, groups.items, sizeof *other);
  groups.group = ref_take (call, groups.items, sizeof *groups.group);
  groups.first = ref_take (call, groups.items, sizeof *groups.first);
  groups.size = ref_take (call, groups.items, sizeof *groups.size);
  if (!order || !other || !groups.group || !groups.first || !groups.size)
    return ref_no_memory (call);
  sort_items (&all, groups.items, order, other);
  make_groups (&all, order, adze_node_int (call->node, "sorted", 1) != 0, &groups, other);
  adze_status status = give_items (call, &all, &groups);
  if (status == ADZE_OK)
    status = give_numbers (call, 1, groups.first, groups.count);
  if (status == ADZE_OK)
    status = give_numbers (call, 2, groups.group, groups.items);
  if (status == ADZE_OK)
    status = give_numbers (call, 3, groups.size, groups.count);
  return status;
}

const ref_kernel ref_kernels_select[] = {
  { "", "Compress", 0, false, ref_moves, compress_run },
  { "", "NonZero", REF_ALL, false, NULL, non_zero_run },
  { "", "TopK", REF_NUMBERS, true, NULL, top_run },
  { "", "Unique", REF_NUMBERS | REF_SET (REF_BOOL), true, NULL, unique_run },
  { .op = NULL },
};
