/* SPDX-License-Identifier: Apache-2.0 */
/* rows.c: what broadcasts, cut into rows. */
#include "rows.h"

/* All operands over the same dimensions, the last one first. */
typedef struct row_plan {
  size_t shape[ADZE_GRAPH_RANK];
  size_t stride[REF_ROW_INPUTS][ADZE_GRAPH_RANK]; /* in elements */
  int32_t rank;
  const char *in[REF_ROW_INPUTS];
  size_t in_size[REF_ROW_INPUTS];
  size_t inputs;
  char *out;
  size_t out_size;
  ref_row_function function;
  const void *argument;
} row_plan;

static adze_status
check_stretch (const ref_call *call, size_t number, const adze_view *in, const adze_view *out)
{
  int32_t more = out->rank - in->rank;
  bool fits = more >= 0;
  for (int32_t d = 0; fits && d < in->rank; d++)
    fits = in->shape[d] == 1 || in->shape[d] == out->shape[more + d];
  return fits ? ADZE_OK
              : ref_refuse (call, ADZE_E_FORMAT,
                            "operand %zu cannot be stretched to the shape of the output", number);
}

/* Adds dimension D of the output to the plan: as one more, or as part of the one before it where
 * all operands go on there. */
static void
add_dimension (row_plan *plan, size_t size, const size_t *stride)
{
  int32_t last = plan->rank - 1;
  bool goes_on = last >= 0;
  for (size_t i = 0; goes_on && i < plan->inputs; i++)
    goes_on = stride[i] == plan->stride[i][last] * plan->shape[last];
  if (goes_on) {
    plan->shape[last] *= size;
    return;
  }
  plan->shape[plan->rank] = size;
  for (size_t i = 0; i < plan->inputs; i++)
    plan->stride[i][plan->rank] = stride[i];
  plan->rank++;
}

static void
add_dimensions (row_plan *plan, const adze_view *const *inputs, const adze_view *out)
{
  size_t reach[REF_ROW_INPUTS] = { 1, 1, 1 };
  for (int32_t d = out->rank; d-- > 0;) {
    size_t stride[REF_ROW_INPUTS] = { 0 };
    for (size_t i = 0; i < plan->inputs; i++) {
      int32_t own = d - (out->rank - inputs[i]->rank);
      if (own < 0 || inputs[i]->shape[own] == 1)
        continue;
      stride[i] = reach[i];
      reach[i] *= (size_t)inputs[i]->shape[own];
    }
    if (out->shape[d] != 1)
      add_dimension (plan, (size_t)out->shape[d], stride);
  }
  if (plan->rank == 0) {
    plan->shape[0] = 1;
    plan->rank = 1;
  }
}

/* Elements FIRST to LAST - 1 of the output, row by row. */
static adze_status
work (void *argument, size_t first, size_t last)
{
  const row_plan *plan = argument;
  while (first < last) {
    size_t place = first % plan->shape[0], row = first / plan->shape[0];
    size_t count = plan->shape[0] - place;
    ref_row now = { .out = plan->out + first * plan->out_size,
                    .count = count < last - first ? count : last - first,
                    .argument = plan->argument };
    for (size_t i = 0; i < plan->inputs; i++) {
      size_t rest = row, at = place * plan->stride[i][0];
      for (int32_t d = 1; d < plan->rank; d++) {
        at += rest % plan->shape[d] * plan->stride[i][d];
        rest /= plan->shape[d];
      }
      now.in[i] = plan->in[i] + at * plan->in_size[i];
      now.step[i] = plan->stride[i][0];
    }
    plan->function (&now);
    first += now.count;
  }
  return ADZE_OK;
}

adze_status
ref_rows (ref_call *call, const adze_view *const *inputs, size_t count, adze_view *output,
          ref_row_function function, const void *argument)
{
  row_plan plan = { .inputs = count, .function = function, .argument = argument };
  if (output->rank > ADZE_GRAPH_RANK)
    return ref_refuse (call, ADZE_E_LIMIT, "%d dimensions; %d is the most", output->rank,
                       ADZE_GRAPH_RANK);
  for (size_t i = 0; i < count; i++) {
    adze_status status = check_stretch (call, i, inputs[i], output);
    if (status != ADZE_OK)
      return status;
    plan.in[i] = adze_view_data (inputs[i]);
    plan.in_size[i] = ref_size_of (inputs[i]->dtype);
  }
  size_t elements = adze_view_count (output);
  if (elements == 0)
    return ADZE_OK;
  plan.out = adze_view_data (output);
  plan.out_size = ref_size_of (output->dtype);
  add_dimensions (&plan, inputs, output);
  return adze_parallel_for (call->host, elements, ref_grain (4), work, &plan);
}

adze_status
ref_rows_of_call (ref_call *call, size_t count, const ref_row_functions functions,
                  const void *argument)
{
  adze_status status = ref_check_same_type (call, count);
  if (status != ADZE_OK)
    return status;
  for (size_t i = 1; i < count; i++)
    if (!ref_in (call, i))
      return ref_refuse_type (call, i);
  ref_type type = ref_view_type (call->inputs[0]);
  if (!functions[type])
    return ref_refuse_type (call, 0);
  adze_view *out = ref_out (call, 0);
  return out ? ref_rows (call, call->inputs, count, out, functions[type], argument) : ADZE_OK;
}

/* ---- Copying. */

#define COPY_ROW(type) \
  static void copy_##type (const ref_row *row) \
  { \
    const type *in = row->in[0]; \
    type *out = row->out; \
    for (size_t i = 0; i < row->count; i++) \
      out[i] = in[i * row->step[0]]; \
  }
COPY_ROW (uint8_t)
COPY_ROW (uint16_t)
COPY_ROW (uint32_t)
COPY_ROW (uint64_t)

adze_status
ref_rows_copy (ref_call *call, const adze_view *input, adze_view *output)
{
  ref_row_function function;
  if (!adze_dtype_same (input->dtype, output->dtype))
    return ref_refuse (call, ADZE_E_CONTRACT, "gives %s, and has %s to give",
                       ref_type_name (output->dtype), ref_type_name (input->dtype));
  switch (ref_size_of (input->dtype)) {
  case 1:
    function = copy_uint8_t;
    break;
  case 2:
    function = copy_uint16_t;
    break;
  case 4:
    function = copy_uint32_t;
    break;
  case 8:
    function = copy_uint64_t;
    break;
  default:
    return ref_refuse (call, ADZE_E_UNSUPPORTED, "elements of %u bits are not copied",
                       input->dtype.bits);
  }
  return ref_rows (call, &input, 1, output, function, NULL);
}
