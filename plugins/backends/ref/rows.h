/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h: elementwise operators, a row at a time. Inputs are stretched to the output as ONNX
 * broadcasts, dimensions that lie one behind the other are taken together, and what is left of the
 * last one is a row. */
#ifndef ADZE_REF_ROWS_H
#define ADZE_REF_ROWS_H

#include "ref.h"

#define REF_ROW_INPUTS 3

typedef struct ref_row {
  const void *in[REF_ROW_INPUTS];
  size_t step[REF_ROW_INPUTS]; /* in elements: 1, or 0 where one number stands for all */
  void *out;
  size_t count;
  const void *argument;
} ref_row;

typedef void (*ref_row_function) (const ref_row *row);

/* A function for each type; NULL: it is not done. */
typedef ref_row_function ref_row_functions[REF_OTHER + 1];

/* FUNCTION over all rows. The output may be one of the inputs. Refuses shapes that cannot be
 * stretched. */
adze_status ref_rows (ref_call *call, const adze_view *const *inputs, size_t count,
                      adze_view *output, ref_row_function function, const void *argument);

/* The first COUNT inputs of the call, all of one type, to its first output; FUNCTIONS are by the
 * type of the first input. */
adze_status ref_rows_of_call (ref_call *call, size_t count, const ref_row_functions functions,
                              const void *argument);

/* Elements as they are, stretched. */
adze_status ref_rows_copy (ref_call *call, const adze_view *input, adze_view *output);

/* Entries of ref_row_functions for functions named NAME_f32, NAME_f64 ... */
#define REF_ROW_FLOATS(name) [REF_F32] = name##_f32, [REF_F64] = name##_f64
#define REF_ROW_SIGNED(name) \
  [REF_I8] = name##_i8, [REF_I16] = name##_i16, [REF_I32] = name##_i32, [REF_I64] = name##_i64
#define REF_ROW_UNSIGNED(name) \
  [REF_U8] = name##_u8, [REF_U16] = name##_u16, [REF_U32] = name##_u32, [REF_U64] = name##_u64

/* FORM (NAME, type, suffix, ...) for each type. */
#define REF_FORM_FLOATS(form, name, ...) \
  form (name, float, f32, __VA_ARGS__) form (name, double, f64, __VA_ARGS__)
#define REF_FORM_SIGNED(form, name, ...) \
  form (name, int8_t, i8, __VA_ARGS__) form (name, int16_t, i16, __VA_ARGS__) \
  form (name, int32_t, i32, __VA_ARGS__) form (name, int64_t, i64, __VA_ARGS__)
#define REF_FORM_UNSIGNED(form, name, ...) \
  form (name, uint8_t, u8, __VA_ARGS__) form (name, uint16_t, u16, __VA_ARGS__) \
  form (name, uint32_t, u32, __VA_ARGS__) form (name, uint64_t, u64, __VA_ARGS__)

/* Whole part of a number, towards zero. Beyond 64 bits it is the nearest that there is, NaN is 0:
 * the same on every machine, where a cast in C promises nothing. */
static inline int64_t
ref_whole (double number)
{
  if (number != number)
    return 0;
  if (number >= 9223372036854775808.0)
    return INT64_MAX;
  return number < -9223372036854775808.0 ? INT64_MIN : (int64_t)number;
}

#endif
