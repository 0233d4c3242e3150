/* SPDX-License-Identifier: Apache-2.0 */
/* graph/gradient_math.c: gradients of elementwise operators. */
#include "graph/gradient_words.h"

/* ---- Of two. */

static void
add_rule (adze_gradient *g)
{
  for (size_t i = 0; i < g->node->input_count; i++)
    if (g->wanted[i])
      adze_give_gradient (g, i, g->given[0]);
}

static void
sub_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, g->given[0]);
  if (g->wanted[1])
    adze_give_gradient (g, 1, unary (g, "Neg", g->given[0]));
}

static void
mul_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, mul (g, g->given[0], in (g, 1)));
  if (g->wanted[1])
    adze_give_gradient (g, 1, mul (g, g->given[0], in (g, 0)));
}

static void
div_rule (adze_gradient *g)
{
  uint32_t over = divided (g, g->given[0], in (g, 1));
  if (g->wanted[0])
    adze_give_gradient (g, 0, over);
  if (g->wanted[1])
    adze_give_gradient (g, 1, unary (g, "Neg", mul (g, over, divided (g, in (g, 0), in (g, 1)))));
}

/* x^y: y x^(y-1), and x^y log x, which is 0 where x is. */
static void
pow_rule (adze_gradient *g)
{
  uint32_t x = in (g, 0), y = in (g, 1);
  if (g->wanted[0]) {
    uint32_t exponent = adze_op (g, "CastLike", y, x, ADZE_END); /* may be a whole number */
    uint32_t one_less = sub (g, exponent, adze_op_number (g, 1, x));
    adze_give_gradient (g, 0, mul (g, g->given[0],
                                   mul (g, exponent, adze_op (g, "Pow", x, one_less, ADZE_END))));
  }
  if (g->wanted[1]) {
    uint32_t positive = adze_op (g, "Greater", x, number (g, 0), ADZE_END);
    uint32_t safe = adze_op (g, "Where", positive, x, number (g, 1), ADZE_END);
    adze_give_gradient (g, 1, mul (g, g->given[0], mul (g, out (g), unary (g, "Log", safe))));
  }
}

/* Of those that are the greatest (or least), each gets its share, so that the sum is right. */
static void
extreme_rule (adze_gradient *g)
{
  size_t count = g->node->input_count;
  uint32_t ties = ADZE_NONE;
  for (size_t i = 0; i < count; i++) {
    uint32_t is = adze_op (g, "CastLike", adze_op (g, "Equal", in (g, i), out (g), ADZE_END),
                             g->given[0], ADZE_END);
    ties = ties == ADZE_NONE ? is : adze_op (g, "Add", ties, is, ADZE_END);
  }
  uint32_t share = divided (g, g->given[0], ties);
  for (size_t i = 0; i < count; i++)
    if (g->wanted[i])
      adze_give_gradient (g, i, where (g, adze_op (g, "Equal", in (g, i), out (g), ADZE_END),
                                       share));
}

static void
mean_rule (adze_gradient *g)
{
  uint32_t share = divided (g, g->given[0], number (g, (double)g->node->input_count));
  for (size_t i = 0; i < g->node->input_count; i++)
    if (g->wanted[i])
      adze_give_gradient (g, i, share);
}

static void
where_rule (adze_gradient *g)
{
  if (g->wanted[1])
    adze_give_gradient (g, 1, where (g, in (g, 0), g->given[0]));
  if (g->wanted[2])
    adze_give_gradient (g, 2, where (g, unary (g, "Not", in (g, 0)), g->given[0]));
}

/* ---- Of one. */

static void
identity_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, g->given[0]);
}

static void
cast_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op (g, "CastLike", g->given[0], in (g, 0), ADZE_END));
}

static void
nothing_rule (adze_gradient *g)
{
  (void)g; /* constant between its steps, or does not look at the numbers at all */
}

static void
neg_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, unary (g, "Neg", g->given[0]));
}

static void
abs_rule (adze_gradient *g)
{
  give (g, unary (g, "Sign", in (g, 0)));
}

static void
exp_rule (adze_gradient *g)
{
  give (g, out (g));
}

static void
log_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, divided (g, g->given[0], in (g, 0)));
}

static void
sqrt_rule (adze_gradient *g)
{
  give (g, divided (g, number (g, 0.5), out (g)));
}

static void
reciprocal_rule (adze_gradient *g)
{
  give (g, unary (g, "Neg", mul (g, out (g), out (g))));
}

static void
sin_rule (adze_gradient *g)
{
  give (g, unary (g, "Cos", in (g, 0)));
}

static void
cos_rule (adze_gradient *g)
{
  give (g, unary (g, "Neg", unary (g, "Sin", in (g, 0))));
}

static void
tan_rule (adze_gradient *g)
{
  give (g, adze_op (g, "Add", number (g, 1), mul (g, out (g), out (g)), ADZE_END));
}

static void
tanh_rule (adze_gradient *g)
{
  give (g, sub (g, number (g, 1), mul (g, out (g), out (g))));
}

static void
sinh_rule (adze_gradient *g)
{
  give (g, unary (g, "Cosh", in (g, 0)));
}

static void
cosh_rule (adze_gradient *g)
{
  give (g, unary (g, "Sinh", in (g, 0)));
}

/* 1 / sqrt (a + b x^2) */
static uint32_t
inverse_root (adze_gradient *g, double a, double b)
{
  uint32_t square = mul (g, in (g, 0), in (g, 0));
  uint32_t sum = adze_op (g, "Add", number (g, a), mul (g, number (g, b), square), ADZE_END);
  return unary (g, "Reciprocal", unary (g, "Sqrt", sum));
}

static void
asin_rule (adze_gradient *g)
{
  give (g, inverse_root (g, 1, -1));
}

static void
acos_rule (adze_gradient *g)
{
  give (g, unary (g, "Neg", inverse_root (g, 1, -1)));
}

static void
asinh_rule (adze_gradient *g)
{
  give (g, inverse_root (g, 1, 1));
}

static void
acosh_rule (adze_gradient *g)
{
  give (g, inverse_root (g, -1, 1));
}

static uint32_t
inverse_sum (adze_gradient *g, double sign)
{
  uint32_t square = mul (g, in (g, 0), in (g, 0));
  return unary (g, "Reciprocal", adze_op (g, "Add", number (g, 1),
                                            mul (g, number (g, sign), square), ADZE_END));
}

static void
atan_rule (adze_gradient *g)
{
  give (g, inverse_sum (g, 1));
}

static void
atanh_rule (adze_gradient *g)
{
  give (g, inverse_sum (g, -1));
}

/* 2 / sqrt (pi) exp (-x^2) */
static void
erf_rule (adze_gradient *g)
{
  uint32_t square = mul (g, in (g, 0), in (g, 0));
  give (g, mul (g, number (g, 1.1283791670955126), unary (g, "Exp", unary (g, "Neg", square))));
}

static void
sigmoid_rule (adze_gradient *g)
{
  give (g, mul (g, out (g), sub (g, number (g, 1), out (g))));
}

static void
softplus_rule (adze_gradient *g)
{
  give (g, unary (g, "Sigmoid", in (g, 0)));
}

static void
softsign_rule (adze_gradient *g)
{
  uint32_t one_more = adze_op (g, "Add", number (g, 1), unary (g, "Abs", in (g, 0)), ADZE_END);
  give (g, unary (g, "Reciprocal", mul (g, one_more, one_more)));
}

static uint32_t
positive (adze_gradient *g)
{
  return adze_op (g, "Greater", in (g, 0), adze_op_number (g, 0, in (g, 0)), ADZE_END);
}

/* Of what Relu gives, not of what it takes: so that is needed no longer than for the next node. */
static uint32_t
relu_grad (adze_gradient *g, uint32_t y, uint32_t gradient)
{
  const uint32_t inputs[] = { y, gradient };
  return adze_op_with (g, "adze", "ReluGrad", inputs, 2, NULL, 0);
}

static void
relu_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, relu_grad (g, out (g), g->given[0]));
}

/* It jumps where y is 0, and is flat elsewhere. */
static void
relu_grad_rule (adze_gradient *g)
{
  if (g->wanted[1])
    adze_give_gradient (g, 1, relu_grad (g, in (g, 0), g->given[0]));
}

static void
leaky_relu_rule (adze_gradient *g)
{
  uint32_t slope = number (g, adze_node_float (g->node, "alpha", 0.01f));
  give (g, adze_op (g, "Where", positive (g), number (g, 1), slope, ADZE_END));
}

static void
prelu_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, adze_op (g, "Where", positive (g), g->given[0],
                                         mul (g, g->given[0], in (g, 1)), ADZE_END));
  if (g->wanted[1])
    adze_give_gradient (g, 1, adze_op (g, "Where", positive (g), number (g, 0),
                                         mul (g, g->given[0], in (g, 0)), ADZE_END));
}

/* scale where x > 0, and factor e^(x / width) below. */
static void
exponential (adze_gradient *g, double scale, double factor, double width)
{
  uint32_t low = mul (g, number (g, factor),
                      unary (g, "Exp", divided (g, in (g, 0), number (g, width))));
  give (g, adze_op (g, "Where", positive (g), number (g, scale), low, ADZE_END));
}

static void
elu_rule (adze_gradient *g)
{
  exponential (g, 1, adze_node_float (g->node, "alpha", 1), 1);
}

static void
celu_rule (adze_gradient *g)
{
  exponential (g, 1, 1, adze_node_float (g->node, "alpha", 1));
}

static void
selu_rule (adze_gradient *g)
{
  double alpha = adze_node_float (g->node, "alpha", 1.67326319217681884765625f);
  double gamma = adze_node_float (g->node, "gamma", 1.05070102214813232421875f);
  exponential (g, gamma, gamma * alpha, 1);
}

/* The slope where x lies between LOW and HIGH. */
static uint32_t
between (adze_gradient *g, double low, double high, uint32_t slope)
{
  uint32_t above = adze_op (g, "Greater", in (g, 0), number (g, low), ADZE_END);
  uint32_t below = adze_op (g, "Less", in (g, 0), number (g, high), ADZE_END);
  return where (g, adze_op (g, "And", above, below, ADZE_END), slope);
}

static void
hard_sigmoid_rule (adze_gradient *g)
{
  double alpha = adze_node_float (g->node, "alpha", 0.2f);
  double beta = adze_node_float (g->node, "beta", 0.5f);
  if (alpha != 0)
    give (g, between (g, -beta / alpha, (1 - beta) / alpha, number (g, alpha)));
}

static void
hard_swish_rule (adze_gradient *g)
{
  uint32_t slope = adze_op (g, "Add", divided (g, in (g, 0), number (g, 3)), number (g, 0.5),
                              ADZE_END);
  uint32_t beyond = adze_op (g, "GreaterOrEqual", in (g, 0), number (g, 3), ADZE_END);
  give (g, adze_op (g, "Where", beyond, number (g, 1), between (g, -3, 3, slope), ADZE_END));
}

static void
thresholded_relu_rule (adze_gradient *g)
{
  uint32_t threshold = number (g, adze_node_float (g->node, "alpha", 1));
  if (g->wanted[0])
    adze_give_gradient (g, 0, where (g, adze_op (g, "Greater", in (g, 0), threshold, ADZE_END),
                                     g->given[0]));
}

static void
shrink_rule (adze_gradient *g)
{
  uint32_t lambda = number (g, adze_node_float (g->node, "lambd", 0.5f));
  if (g->wanted[0])
    adze_give_gradient (g, 0, where (g, adze_op (g, "Greater", unary (g, "Abs", in (g, 0)), lambda,
                                                   ADZE_END), g->given[0]));
}

/* Where the input was not moved to a bound; the bound gets what was given where it was. Where the
 * bounds lie the wrong way round, the upper one is what comes out. */
static void
clip_rule (adze_gradient *g)
{
  uint32_t x = in (g, 0), low = in (g, 1), high = in (g, 2);
  bool both = low != ADZE_NONE && high != ADZE_NONE;
  if (g->wanted[0])
    adze_give_gradient (g, 0, where (g, adze_op (g, "Equal", x, out (g), ADZE_END), g->given[0]));
  if (low != ADZE_NONE && g->wanted[1]) {
    uint32_t below = adze_op (g, "Less", x, low, ADZE_END);
    if (both)
      below = adze_op (g, "And", below, adze_op (g, "Less", low, high, ADZE_END), ADZE_END);
    adze_give_gradient (g, 1, where (g, below, g->given[0]));
  }
  if (high != ADZE_NONE && g->wanted[2]) {
    uint32_t above = adze_op (g, "Greater", x, high, ADZE_END);
    if (both)
      above = adze_op (g, "Or", above, adze_op (g, "GreaterOrEqual", low, high, ADZE_END), ADZE_END);
    adze_give_gradient (g, 2, where (g, above, g->given[0]));
  }
}

/* What is left of a division by whole steps: x less y times how often, which is constant between the
 * steps. */
static void
mod_rule (adze_gradient *g)
{
  if (g->wanted[0])
    adze_give_gradient (g, 0, g->given[0]);
  if (g->wanted[1])
    adze_give_gradient (g, 1, mul (g, g->given[0],
                                   divided (g, sub (g, out (g), in (g, 0)), in (g, 1))));
}

const adze_gradient_rule adze_gradients_math[] = {
  { "", "Add", add_rule },
  { "", "Sum", add_rule },
  { "", "Sub", sub_rule },
  { "", "Mul", mul_rule },
  { "", "Div", div_rule },
  { "", "Pow", pow_rule },
  { "", "Mod", mod_rule },
  { "", "Max", extreme_rule },
  { "", "Min", extreme_rule },
  { "", "Mean", mean_rule },
  { "", "Where", where_rule },
  { "", "Identity", identity_rule },
  { "", "Cast", cast_rule },
  { "", "CastLike", cast_rule },
  { "", "Ceil", nothing_rule },
  { "", "Floor", nothing_rule },
  { "", "Round", nothing_rule },
  { "", "Sign", nothing_rule },
  { "", "EyeLike", nothing_rule },
  { "", "RandomNormalLike", nothing_rule },
  { "", "RandomUniformLike", nothing_rule },
  { "", "Neg", neg_rule },
  { "", "Abs", abs_rule },
  { "", "Exp", exp_rule },
  { "", "Log", log_rule },
  { "", "Sqrt", sqrt_rule },
  { "", "Reciprocal", reciprocal_rule },
  { "", "Sin", sin_rule },
  { "", "Cos", cos_rule },
  { "", "Tan", tan_rule },
  { "", "Sinh", sinh_rule },
  { "", "Cosh", cosh_rule },
  { "", "Tanh", tanh_rule },
  { "", "Asin", asin_rule },
  { "", "Acos", acos_rule },
  { "", "Atan", atan_rule },
  { "", "Asinh", asinh_rule },
  { "", "Acosh", acosh_rule },
  { "", "Atanh", atanh_rule },
  { "", "Erf", erf_rule },
  { "", "Sigmoid", sigmoid_rule },
  { "", "Softplus", softplus_rule },
  { "", "Softsign", softsign_rule },
  { "", "Relu", relu_rule },
  { "adze", "ReluGrad", relu_grad_rule },
  { "", "LeakyRelu", leaky_relu_rule },
  { "", "PRelu", prelu_rule },
  { "", "Elu", elu_rule },
  { "", "Celu", celu_rule },
  { "", "Selu", selu_rule },
  { "", "HardSigmoid", hard_sigmoid_rule },
  { "", "HardSwish", hard_swish_rule },
  { "", "ThresholdedRelu", thresholded_relu_rule },
  { "", "Shrink", shrink_rule },
  { "", "Clip", clip_rule },
  { NULL, NULL, NULL },
};
