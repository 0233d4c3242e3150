/* SPDX-License-Identifier: Apache-2.0 */
/* unary.c: operators from one number to one, activations among them. */
#include <tgmath.h>

#include "rows.h"

/* Attributes of an activation. */
typedef struct constants {
  double alpha, beta;
} constants;

/* Into 0 to 1; a NaN stays one. */
static inline double
clamp (double x)
{
  return x < 0 ? 0 : x > 1 ? 1 : x;
}

/* A row of numbers X; C are the node's attributes. */
#define ROW(name, type, suffix, expression) \
  static void name##_##suffix (const ref_row *row) \
  { \
    const type *in = row->in[0]; \
    const constants *c = row->argument; \
    type *out = row->out; \
    (void)c; \
    for (size_t i = 0; i < row->count; i++) { \
      type x = in[i * row->step[0]]; \
      out[i] = (type)(expression); \
    } \
  }

/* An operator without attributes for floats. <tgmath.h> takes the function of the type. */
#define FLOAT_OPERATOR(name, expression) \
  REF_FORM_FLOATS (ROW, name, expression) \
  static adze_status name##_run (ref_call *call) \
  { \
    static const ref_row_functions functions = { REF_ROW_FLOATS (name) }; \
    return ref_rows_of_call (call, 1, functions, NULL); \
  }

FLOAT_OPERATOR (ceiling, ceil (x))
FLOAT_OPERATOR (floor_of, floor (x))
FLOAT_OPERATOR (round_even, rint (x))
FLOAT_OPERATOR (root, sqrt (x))
FLOAT_OPERATOR (power_e, exp (x))
FLOAT_OPERATOR (logarithm, log (x))
FLOAT_OPERATOR (reciprocal, 1 / x)
FLOAT_OPERATOR (sine, sin (x))
FLOAT_OPERATOR (cosine, cos (x))
FLOAT_OPERATOR (tangent, tan (x))
FLOAT_OPERATOR (arc_sine, asin (x))
FLOAT_OPERATOR (arc_cosine, acos (x))
FLOAT_OPERATOR (arc_tangent, atan (x))
FLOAT_OPERATOR (sine_h, sinh (x))
FLOAT_OPERATOR (cosine_h, cosh (x))
FLOAT_OPERATOR (tangent_h, tanh (x))
FLOAT_OPERATOR (arc_sine_h, asinh (x))
FLOAT_OPERATOR (arc_cosine_h, acosh (x))
FLOAT_OPERATOR (arc_tangent_h, atanh (x))
FLOAT_OPERATOR (error_function, erf (x))
/* Neither of the two exponentials below can overflow. */
FLOAT_OPERATOR (sigmoid, x < 0 ? exp (x) / (1 + exp (x)) : 1 / (1 + exp (-x)))
FLOAT_OPERATOR (softplus, x > 0 ? x + log1p (exp (-x)) : log1p (exp (x)))
FLOAT_OPERATOR (softsign, x / (1 + fabs (x)))
FLOAT_OPERATOR (hard_swish, x * clamp (x / 6.0 + 0.5))

/* ---- With attributes. */

#define ALPHA_OPERATOR(name, preset_alpha, beta_name, preset_beta, expression) \
  REF_FORM_FLOATS (ROW, name, expression) \
  static adze_status name##_run (ref_call *call) \
  { \
    static const ref_row_functions functions = { REF_ROW_FLOATS (name) }; \
    constants c = { adze_node_float (call->node, "alpha", preset_alpha), \
                    adze_node_float (call->node, beta_name, preset_beta) }; \
    return ref_rows_of_call (call, 1, functions, &c); \
  }

ALPHA_OPERATOR (leaky_relu, 0.01f, "", 0, x < 0 ? x * c->alpha : x)
ALPHA_OPERATOR (elu, 1.0f, "", 0, x < 0 ? c->alpha * expm1 (x) : x)
ALPHA_OPERATOR (celu, 1.0f, "", 0, x < 0 ? c->alpha * expm1 (x / c->alpha) : x)
ALPHA_OPERATOR (selu, 1.67326319217681884765625f, "gamma", 1.05070102214813232421875f,
                c->beta *(x > 0 ? x : c->alpha * expm1 (x)))
ALPHA_OPERATOR (hard_sigmoid, 0.2f, "beta", 0.5f, clamp (c->alpha * x + c->beta))
ALPHA_OPERATOR (thresholded_relu, 1.0f, "", 0, x > c->alpha ? x : 0)

/* ---- For integers as well. */

REF_FORM_FLOATS (ROW, absolute, fabs (x))
/* Of the least number there is, which has no counterpart, it is the number itself. */
REF_FORM_SIGNED (ROW, absolute, x < 0 ? -(uint64_t)x : (uint64_t)x)
REF_FORM_UNSIGNED (ROW, absolute, x)
REF_FORM_FLOATS (ROW, negate, -x)
REF_FORM_SIGNED (ROW, negate, -(uint64_t)x)
REF_FORM_FLOATS (ROW, sign, x > 0 ? 1 : x < 0 ? -1 : x)
REF_FORM_SIGNED (ROW, sign, (x > 0) - (x < 0))
REF_FORM_UNSIGNED (ROW, sign, x > 0)
/* A NaN is not below zero, and stays. */
REF_FORM_FLOATS (ROW, relu, x < 0 ? 0 : x)
REF_FORM_SIGNED (ROW, relu, x < 0 ? 0 : x)

static adze_status
absolute_run (ref_call *call)
{
  static const ref_row_functions functions
      = { REF_ROW_FLOATS (absolute), REF_ROW_SIGNED (absolute), REF_ROW_UNSIGNED (absolute) };
  return ref_rows_of_call (call, 1, functions, NULL);
}

static adze_status
negate_run (ref_call *call)
{
  static const ref_row_functions functions = { REF_ROW_FLOATS (negate), REF_ROW_SIGNED (negate) };
  return ref_rows_of_call (call, 1, functions, NULL);
}

static adze_status
sign_run (ref_call *call)
{
  static const ref_row_functions functions
      = { REF_ROW_FLOATS (sign), REF_ROW_SIGNED (sign), REF_ROW_UNSIGNED (sign) };
  return ref_rows_of_call (call, 1, functions, NULL);
}

static adze_status
relu_run (ref_call *call)
{
  static const ref_row_functions functions = { REF_ROW_FLOATS (relu), REF_ROW_SIGNED (relu) };
  return ref_rows_of_call (call, 1, functions, NULL);
}

/* ALPHA is lambd, BETA the bias. */
#define SHRUNK (x < -c->alpha ? x + c->beta : x > c->alpha ? x - c->beta : 0.0)
REF_FORM_FLOATS (ROW, shrink, SHRUNK)
REF_FORM_SIGNED (ROW, shrink, ref_whole (SHRUNK))
REF_FORM_UNSIGNED (ROW, shrink, ref_whole (SHRUNK))

static adze_status
shrink_run (ref_call *call)
{
  static const ref_row_functions functions
      = { REF_ROW_FLOATS (shrink), REF_ROW_SIGNED (shrink), REF_ROW_UNSIGNED (shrink) };
  constants c = { adze_node_float (call->node, "lambd", 0.5f),
                  adze_node_float (call->node, "bias", 0) };
  return ref_rows_of_call (call, 1, functions, &c);
}

/* ---- To bool. */

#define TEST_ROW(name, type, suffix, expression) \
  static void name##_##suffix (const ref_row *row) \
  { \
    const type *in = row->in[0]; \
    const constants *c = row->argument; \
    uint8_t *out = row->out; \
    (void)c; \
    for (size_t i = 0; i < row->count; i++) { \
      type x = in[i * row->step[0]]; \
      out[i] = (expression); \
    } \
  }

REF_FORM_FLOATS (TEST_ROW, is_nan, isnan (x) != 0)
/* ALPHA: are positive ones meant, BETA: negative ones. */
REF_FORM_FLOATS (TEST_ROW, is_infinite, isinf (x) && (x > 0 ? c->alpha : c->beta) != 0)
TEST_ROW (not, uint8_t, bool, x == 0)

static adze_status
is_nan_run (ref_call *call)
{
  static const ref_row_functions functions = { REF_ROW_FLOATS (is_nan) };
  return ref_rows_of_call (call, 1, functions, NULL);
}

static adze_status
is_infinite_run (ref_call *call)
{
  static const ref_row_functions functions = { REF_ROW_FLOATS (is_infinite) };
  constants c = { adze_node_int (call->node, "detect_positive", 1) != 0,
                  adze_node_int (call->node, "detect_negative", 1) != 0 };
  return ref_rows_of_call (call, 1, functions, &c);
}

static adze_status
not_run (ref_call *call)
{
  static const ref_row_functions functions = { [REF_BOOL] = not_bool };
  return ref_rows_of_call (call, 1, functions, NULL);
}

#define FLOAT_ROW_OF(name, function) { "", name, REF_FLOATS, true, NULL, function }

const ref_kernel ref_kernels_unary[] = {
  { "", "Abs", REF_NUMBERS, true, NULL, absolute_run },
  FLOAT_ROW_OF ("Acos", arc_cosine_run),
  FLOAT_ROW_OF ("Acosh", arc_cosine_h_run),
  FLOAT_ROW_OF ("Asin", arc_sine_run),
  FLOAT_ROW_OF ("Asinh", arc_sine_h_run),
  FLOAT_ROW_OF ("Atan", arc_tangent_run),
  FLOAT_ROW_OF ("Atanh", arc_tangent_h_run),
  FLOAT_ROW_OF ("Ceil", ceiling_run),
  FLOAT_ROW_OF ("Celu", celu_run),
  FLOAT_ROW_OF ("Cos", cosine_run),
  FLOAT_ROW_OF ("Cosh", cosine_h_run),
  FLOAT_ROW_OF ("Elu", elu_run),
  FLOAT_ROW_OF ("Erf", error_function_run),
  FLOAT_ROW_OF ("Exp", power_e_run),
  FLOAT_ROW_OF ("Floor", floor_of_run),
  FLOAT_ROW_OF ("HardSigmoid", hard_sigmoid_run),
  FLOAT_ROW_OF ("HardSwish", hard_swish_run),
  FLOAT_ROW_OF ("IsInf", is_infinite_run),
  FLOAT_ROW_OF ("IsNaN", is_nan_run),
  FLOAT_ROW_OF ("LeakyRelu", leaky_relu_run),
  FLOAT_ROW_OF ("Log", logarithm_run),
  { "", "Neg", REF_FLOATS | REF_SIGNED, true, NULL, negate_run },
  { "", "Not", REF_SET (REF_BOOL), false, NULL, not_run },
  FLOAT_ROW_OF ("Reciprocal", reciprocal_run),
  { "", "Relu", REF_FLOATS | REF_SIGNED, true, NULL, relu_run },
  FLOAT_ROW_OF ("Round", round_even_run),
  FLOAT_ROW_OF ("Selu", selu_run),
  { "", "Shrink", REF_NUMBERS, true, NULL, shrink_run },
  FLOAT_ROW_OF ("Sigmoid", sigmoid_run),
  { "", "Sign", REF_NUMBERS, true, NULL, sign_run },
  FLOAT_ROW_OF ("Sin", sine_run),
  FLOAT_ROW_OF ("Sinh", sine_h_run),
  FLOAT_ROW_OF ("Softplus", softplus_run),
  FLOAT_ROW_OF ("Softsign", softsign_run),
  FLOAT_ROW_OF ("Sqrt", root_run),
  FLOAT_ROW_OF ("Tan", tangent_run),
  FLOAT_ROW_OF ("Tanh", tangent_h_run),
  FLOAT_ROW_OF ("ThresholdedRelu", thresholded_relu_run),
  { .op = NULL },
};
