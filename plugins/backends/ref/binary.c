/* SPDX-License-Identifier: Apache-2.0 */
/* binary.c: operators of two numbers, comparisons among them, and those that fold any number of
 * inputs. Integers wrap round: they are computed as unsigned ones. */
#include <tgmath.h>

#include "rows.h"

/* A row of pairs X and Y of one type, which give RESULT. */
#define ROW(name, type, suffix, result, expression) \
  static void name##_##suffix (const ref_row *row) \
  { \
    const type *a = row->in[0], *b = row->in[1]; \
    result *out = row->out; \
    for (size_t i = 0; i < row->count; i++) { \
      type x = a[i * row->step[0]], y = b[i * row->step[1]]; \
      out[i] = (result)(expression); \
    } \
  }
/* The same to the type itself, or to bool. */
#define SAME_ROW(name, type, suffix, expression) ROW (name, type, suffix, type, expression)
#define TEST_ROW(name, type, suffix, expression) ROW (name, type, suffix, uint8_t, expression)

/* ---- Arithmetic. */

#define ARITHMETIC(name, operation) \
  REF_FORM_FLOATS (SAME_ROW, name, x operation y) \
  REF_FORM_SIGNED (SAME_ROW, name, (uint64_t)x operation (uint64_t)y) \
  REF_FORM_UNSIGNED (SAME_ROW, name, (uint64_t)x operation (uint64_t)y) \
  static adze_status name##_run (ref_call *call) \
  { \
    static const ref_row_functions functions \
        = { REF_ROW_FLOATS (name), REF_ROW_SIGNED (name), REF_ROW_UNSIGNED (name) }; \
    return ref_rows_of_call (call, 2, functions, NULL); \
  }

ARITHMETIC (add, +)
ARITHMETIC (subtract, -)
ARITHMETIC (multiply, *)

/* Whole numbers are not divided by zero: the processor would stop the program. */
static adze_status
check_divisor (const ref_call *call)
{
  const adze_view *by = ref_in (call, 1);
  size_t size = by ? ref_size_of (by->dtype) : 0;
  static const char zero[8];
  if (!by || adze_dtype_is_float (by->dtype) || size == 0 || size > sizeof zero)
    return ADZE_OK;
  const char *data = adze_view_data (by);
  size_t count = adze_view_count (by);
  for (size_t i = 0; i < count; i++)
    if (memcmp (data + i * size, zero, size) == 0)
      return ref_refuse (call, ADZE_E_FORMAT, "element %zu of input 1 is 0, and a whole number is "
                         "divided by it", i);
  return ADZE_OK;
}

REF_FORM_FLOATS (SAME_ROW, divide, x / y)
/* The least number by -1 has no place in its type. */
REF_FORM_SIGNED (SAME_ROW, divide, y == -1 ? -(uint64_t)x : (uint64_t)(x / y))
REF_FORM_UNSIGNED (SAME_ROW, divide, x / y)

static adze_status
divide_run (ref_call *call)
{
  static const ref_row_functions functions
      = { REF_ROW_FLOATS (divide), REF_ROW_SIGNED (divide), REF_ROW_UNSIGNED (divide) };
  adze_status status = check_divisor (call);
  return status == ADZE_OK ? ref_rows_of_call (call, 2, functions, NULL) : status;
}

/* Remainders have the sign of the divisor, or with fmod that of the dividend. */
#define SIGN_OF_Y(rest) ((rest) != 0 && ((rest) < 0) != (y < 0) ? (rest) + y : (rest))
REF_FORM_FLOATS (SAME_ROW, modulo, SIGN_OF_Y (fmod (x, y)))
REF_FORM_SIGNED (SAME_ROW, modulo, y == -1 ? 0 : SIGN_OF_Y (x % y))
REF_FORM_UNSIGNED (SAME_ROW, modulo, x % y)
REF_FORM_FLOATS (SAME_ROW, remainder_of, fmod (x, y))
REF_FORM_SIGNED (SAME_ROW, remainder_of, y == -1 ? 0 : x % y)

static adze_status
modulo_run (ref_call *call)
{
  static const ref_row_functions floored
      = { REF_ROW_FLOATS (modulo), REF_ROW_SIGNED (modulo), REF_ROW_UNSIGNED (modulo) };
  static const ref_row_functions towards_zero
      = { REF_ROW_FLOATS (remainder_of), REF_ROW_SIGNED (remainder_of),
          REF_ROW_UNSIGNED (modulo) };
  adze_status status = check_divisor (call);
  if (status != ADZE_OK)
    return status;
  bool fmod_asked = adze_node_int (call->node, "fmod", 0) != 0;
  return ref_rows_of_call (call, 2, fmod_asked ? towards_zero : floored, NULL);
}

REF_FORM_FLOATS (SAME_ROW, slope, x < 0 ? x * y : x)
REF_FORM_SIGNED (SAME_ROW, slope, x < 0 ? (uint64_t)x * (uint64_t)y : (uint64_t)x)

static adze_status
slope_run (ref_call *call)
{
  static const ref_row_functions functions = { REF_ROW_FLOATS (slope), REF_ROW_SIGNED (slope) };
  /* No unsigned number is below zero. */
  if (ref_in (call, 0) && call->inputs[0]->dtype.code == ADZE_UINT && ref_out (call, 0))
    return ref_rows_copy (call, call->inputs[0], call->outputs[0]);
  return ref_rows_of_call (call, 2, functions, NULL);
}

/* The gradient Y where X, that which Relu gave, is above 0. */
REF_FORM_FLOATS (SAME_ROW, relu_grad, x > 0 ? y : 0)

static adze_status
relu_grad_run (ref_call *call)
{
  static const ref_row_functions functions = { REF_ROW_FLOATS (relu_grad) };
  return ref_rows_of_call (call, 2, functions, NULL);
}

/* Shifting by as many bits as there are, or more, is not defined in C; here nothing is left. */
#define SHIFT(operation) (y >= 8 * sizeof x ? 0 : (uint64_t)x operation y)
REF_FORM_UNSIGNED (SAME_ROW, shift_left, SHIFT (<<))
REF_FORM_UNSIGNED (SAME_ROW, shift_right, SHIFT (>>))

static adze_status
shift_run (ref_call *call)
{
  static const ref_row_functions left = { REF_ROW_UNSIGNED (shift_left) };
  static const ref_row_functions right = { REF_ROW_UNSIGNED (shift_right) };
  const char *direction = adze_node_text (call->node, "direction", "");
  if (strcmp (direction, "LEFT") != 0 && strcmp (direction, "RIGHT") != 0)
    return ref_refuse (call, ADZE_E_FORMAT, "direction is '%s'; it is LEFT or RIGHT", direction);
  return ref_rows_of_call (call, 2, direction[0] == 'L' ? left : right, NULL);
}

/* ---- Powers. The exponent may be of another type; it becomes a float for a float, and for whole
 * numbers an int64 or a double. */

static uint64_t
whole_power (uint64_t base, int64_t exponent)
{
  if (exponent < 0)
    return base == 1 ? 1 : base == UINT64_MAX ? (exponent % 2 ? UINT64_MAX : 1) : 0;
  uint64_t result = 1;
  for (; exponent; exponent >>= 1, base *= base)
    if (exponent & 1)
      result *= base;
  return result;
}

#define POWER_ROW(name, type, exponent_type, expression) \
  static void name (const ref_row *row) \
  { \
    const type *a = row->in[0]; \
    const exponent_type *b = row->in[1]; \
    type *out = row->out; \
    for (size_t i = 0; i < row->count; i++) { \
      type x = a[i * row->step[0]]; \
      exponent_type y = b[i * row->step[1]]; \
      out[i] = (type)(expression); \
    } \
  }
POWER_ROW (power_f32, float, float, pow (x, y))
POWER_ROW (power_f64, double, double, pow (x, y))
POWER_ROW (power_i32, int32_t, int64_t, whole_power ((uint64_t)x, y))
POWER_ROW (power_i64, int64_t, int64_t, whole_power ((uint64_t)x, y))
POWER_ROW (power_i32_float, int32_t, double, ref_whole (pow ((double)x, y)))
POWER_ROW (power_i64_float, int64_t, double, ref_whole (pow ((double)x, y)))

/* The exponents as TYPE. */
static adze_status
exponents (ref_call *call, ref_type type, adze_view *into)
{
  const adze_view *from = ref_in (call, 1);
  if (!from || !adze_dtype_is_number (from->dtype))
    return ref_refuse_type (call, 1);
  size_t count = adze_view_count (from);
  double *numbers = ref_take (call, count, sizeof *numbers);
  if (!numbers)
    return ref_no_memory (call);
  adze_numbers_read (from->dtype, adze_view_data (from), count, numbers);
  *into = *from;
  into->byte_offset = 0;
  into->data = numbers;
  into->dtype = (adze_dtype){ ADZE_FLOAT, 64, 1 };
  if (type == REF_F64)
    return ADZE_OK;
  into->dtype
      = (adze_dtype){ type == REF_F32 ? ADZE_FLOAT : ADZE_INT, type == REF_F32 ? 32 : 64, 1 };
  into->data = ref_take (call, count, sizeof (int64_t));
  if (!into->data)
    return ref_no_memory (call);
  for (size_t i = 0; i < count; i++)
    if (type == REF_F32)
      ((float *)into->data)[i] = adze_float_from_double (numbers[i]);
    else
      ((int64_t *)into->data)[i] = ref_whole (numbers[i]);
  return ADZE_OK;
}

static adze_status
power_run (ref_call *call)
{
  const adze_view *base = ref_in (call, 0);
  adze_view *out = ref_out (call, 0);
  if (!base || !ref_in (call, 1))
    return ref_refuse_type (call, base ? 1 : 0);
  ref_type type = ref_view_type (base);
  bool whole = type == REF_I32 || type == REF_I64;
  bool by_float = adze_dtype_is_float (call->inputs[1]->dtype);
  adze_view by;
  adze_status status = exponents (call, whole ? (by_float ? REF_F64 : REF_I64) : type, &by);
  if (status != ADZE_OK || !out)
    return status;
  ref_row_function function = type == REF_F32   ? power_f32
                              : type == REF_F64 ? power_f64
                              : type == REF_I32 ? (by_float ? power_i32_float : power_i32)
                                                : (by_float ? power_i64_float : power_i64);
  const adze_view *operands[] = { base, &by };
  return ref_rows (call, operands, 2, out, function, NULL);
}

/* ---- Comparisons and logic. */

#define COMPARISON(name, operation) \
  REF_FORM_FLOATS (TEST_ROW, name, x operation y) \
  REF_FORM_SIGNED (TEST_ROW, name, x operation y) \
  REF_FORM_UNSIGNED (TEST_ROW, name, x operation y) \
  TEST_ROW (name, uint8_t, truth, (x != 0)operation (y != 0)) \
  static adze_status name##_run (ref_call *call) \
  { \
    static const ref_row_functions functions = { REF_ROW_FLOATS (name), REF_ROW_SIGNED (name), \
                                                 REF_ROW_UNSIGNED (name), \
                                                 [REF_BOOL] = name##_truth }; \
    return ref_rows_of_call (call, 2, functions, NULL); \
  }

COMPARISON (equal, ==)
COMPARISON (greater, >)
COMPARISON (greater_or_equal, >=)
COMPARISON (less, <)
COMPARISON (less_or_equal, <=)

#define LOGIC(name, expression) \
  TEST_ROW (name, uint8_t, truth, expression) \
  static adze_status name##_run (ref_call *call) \
  { \
    static const ref_row_functions functions = { [REF_BOOL] = name##_truth }; \
    return ref_rows_of_call (call, 2, functions, NULL); \
  }

LOGIC (both, x && y)
LOGIC (either, x || y)
LOGIC (one_of, !x != !y)

/* ---- Any number of inputs, folded one after the other into the output. */

/* A NaN wins. */
REF_FORM_FLOATS (SAME_ROW, most, x > y || x != x ? x : y)
REF_FORM_SIGNED (SAME_ROW, most, x > y ? x : y)
REF_FORM_UNSIGNED (SAME_ROW, most, x > y ? x : y)
REF_FORM_FLOATS (SAME_ROW, least, x < y || x != x ? x : y)
REF_FORM_SIGNED (SAME_ROW, least, x < y ? x : y)
REF_FORM_UNSIGNED (SAME_ROW, least, x < y ? x : y)

static const ref_row_functions most_functions
    = { REF_ROW_FLOATS (most), REF_ROW_SIGNED (most), REF_ROW_UNSIGNED (most) };
static const ref_row_functions least_functions
    = { REF_ROW_FLOATS (least), REF_ROW_SIGNED (least), REF_ROW_UNSIGNED (least) };
static const ref_row_functions sum_functions = { REF_ROW_FLOATS (add) };
static const ref_row_functions quotient_functions = { REF_ROW_FLOATS (divide) };

static adze_status
fold (ref_call *call, const ref_row_functions functions)
{
  adze_status status = ref_check_same_type (call, call->input_count);
  adze_view *out = ref_out (call, 0);
  if (status != ADZE_OK || !out)
    return status;
  ref_row_function function = functions[ref_view_type (call->inputs[0])];
  if (!function)
    return ref_refuse_type (call, 0);
  status = ref_rows_copy (call, call->inputs[0], out);
  for (size_t i = 1; status == ADZE_OK && i < call->input_count; i++) {
    const adze_view *operands[] = { out, call->inputs[i] };
    if (call->inputs[i])
      status = ref_rows (call, operands, 2, out, function, NULL);
  }
  return status;
}

static adze_status
maximum_run (ref_call *call)
{
  return fold (call, most_functions);
}

static adze_status
minimum_run (ref_call *call)
{
  return fold (call, least_functions);
}

static adze_status
sum_run (ref_call *call)
{
  return fold (call, sum_functions);
}

static adze_status
mean_run (ref_call *call)
{
  adze_status status = fold (call, sum_functions);
  adze_view *out = ref_out (call, 0);
  if (status != ADZE_OK || !out)
    return status;
  float single = (float)call->input_count;
  double number = (double)call->input_count;
  adze_view count = { .data = out->dtype.bits == 64 ? (void *)&number : (void *)&single,
                      .device = out->device,
                      .dtype = out->dtype };
  const adze_view *operands[] = { out, &count };
  return ref_rows (call, operands, 2, out, quotient_functions[ref_view_type (out)], NULL);
}

/* The lower bound first: where it is above the upper one, all become the upper one. */
static adze_status
clip_run (ref_call *call)
{
  adze_status status = ref_check_same_type (call, 3);
  adze_view *out = ref_out (call, 0);
  if (status != ADZE_OK || !out)
    return status;
  ref_type type = ref_view_type (call->inputs[0]);
  status = ref_rows_copy (call, call->inputs[0], out);
  for (size_t i = 1; status == ADZE_OK && i < 3; i++) {
    if (!ref_in (call, i))
      continue;
    adze_view bound = *call->inputs[i];
    if (adze_view_count (&bound) != 1)
      return ref_refuse (call, ADZE_E_FORMAT, "input %zu has %zu elements; a bound is one number",
                         i, adze_view_count (&bound));
    bound.rank = 0;
    const adze_view *operands[] = { out, &bound };
    ref_row_function function = (i == 1 ? most_functions : least_functions)[type];
    status = ref_rows (call, operands, 2, out, function, NULL);
  }
  return status;
}

#define NUMBERS_OF(name, function) { "", name, REF_NUMBERS, true, NULL, function }
#define BOOLS_OF(name, function) { "", name, REF_SET (REF_BOOL), false, NULL, function }

const ref_kernel ref_kernels_binary[] = {
  NUMBERS_OF ("Add", add_run),
  BOOLS_OF ("And", both_run),
  { "", "BitShift", REF_UNSIGNED, false, NULL, shift_run },
  NUMBERS_OF ("Clip", clip_run),
  NUMBERS_OF ("Div", divide_run),
  { "", "Equal", REF_NUMBERS | REF_SET (REF_BOOL), true, NULL, equal_run },
  NUMBERS_OF ("Greater", greater_run),
  NUMBERS_OF ("GreaterOrEqual", greater_or_equal_run),
  NUMBERS_OF ("Less", less_run),
  NUMBERS_OF ("LessOrEqual", less_or_equal_run),
  NUMBERS_OF ("Max", maximum_run),
  { "", "Mean", REF_FLOATS, true, NULL, mean_run },
  NUMBERS_OF ("Min", minimum_run),
  NUMBERS_OF ("Mod", modulo_run),
  NUMBERS_OF ("Mul", multiply_run),
  BOOLS_OF ("Or", either_run),
  NUMBERS_OF ("PRelu", slope_run),
  { "", "Pow", REF_FLOATS | REF_SET (REF_I32) | REF_SET (REF_I64), true, NULL, power_run },
  { "adze", "ReluGrad", REF_FLOATS, true, NULL, relu_grad_run },
  NUMBERS_OF ("Sub", subtract_run),
  { "", "Sum", REF_FLOATS, true, NULL, sum_run },
  BOOLS_OF ("Xor", one_of_run),
  { .op = NULL },
};
