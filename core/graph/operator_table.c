/* SPDX-License-Identifier: Apache-2.0 */
/* graph/operator_table.c: which operators there are, which of them are differentiated, and which would
 * have to be: docs/operators.md, which a test holds against this. */
#include <string.h>

#include "graph/gradient.h"
#include "graph/operators.h"

/* ---- What needs no gradient, and why. All others must have one, and a second. */

typedef struct word {
  const char *word, *meaning;
} word;

static const word words[] = {
  { "backend", "a backend's own form of a gradient, which no rule makes" },
  { "bodies", "how often a body is executed is found out while it is: not in this release" },
  { "constant", "what it makes does not depend on numbers that are floats, or on none at all" },
  { "discrete", "it gives truths, whole numbers, or a choice, which a small step does not change" },
  { "integer", "it works on whole numbers" },
  { "random", "what it gives is drawn" },
  { "rare", "no usual network of layers, convolutions, attention or recurrent nets has it" },
  { "resized", "its many modes of interpolation are not in this release" },
  { "spectral", "part of preparing sound, in front of a network" },
  { "update", "a step of training itself" },
};

typedef struct exemption {
  const char *domain, *op, *word;
} exemption;

#define TRAINING "ai.onnx.preview.training"

static const exemption exemptions[] = {
  { "", "And", "discrete" },
  { "", "ArgMax", "discrete" },
  { "", "ArgMin", "discrete" },
  { "", "Bernoulli", "random" },
  { "", "BitShift", "integer" },
  { "", "BlackmanWindow", "constant" },
  { "", "Compress", "rare" },
  { "", "Constant", "constant" },
  { "", "ConstantOfShape", "constant" },
  { "", "ConvInteger", "integer" },
  { "", "DFT", "spectral" },
  { "", "DequantizeLinear", "integer" },
  { "", "Det", "rare" },
  { "", "DynamicQuantizeLinear", "integer" },
  { "", "Equal", "discrete" },
  { "", "EyeLike", "constant" },
  { "", "GlobalLpPool", "rare" },
  { "", "Greater", "discrete" },
  { "", "GreaterOrEqual", "discrete" },
  { "", "GridSample", "rare" },
  { "", "HammingWindow", "constant" },
  { "", "HannWindow", "constant" },
  { "", "Hardmax", "discrete" },
  { "", "IsInf", "discrete" },
  { "", "IsNaN", "discrete" },
  { "", "Less", "discrete" },
  { "", "LessOrEqual", "discrete" },
  { "", "Loop", "bodies" },
  { "", "LpPool", "rare" },
  { "", "MatMulInteger", "integer" },
  { "", "MaxRoiPool", "rare" },
  { "", "MaxUnpool", "rare" },
  { "", "MelWeightMatrix", "spectral" },
  { "", "Mod", "rare" },
  { "", "Multinomial", "random" },
  { "", "NonMaxSuppression", "discrete" },
  { "", "NonZero", "discrete" },
  { "", "Not", "discrete" },
  { "", "Or", "discrete" },
  { "", "QLinearConv", "integer" },
  { "", "QLinearMatMul", "integer" },
  { "", "QuantizeLinear", "integer" },
  { "", "RandomNormal", "random" },
  { "", "RandomNormalLike", "random" },
  { "", "RandomUniform", "random" },
  { "", "RandomUniformLike", "random" },
  { "", "Range", "rare" },
  { "", "Resize", "resized" },
  { "", "RoiAlign", "rare" },
  { "", "STFT", "spectral" },
  { "", "Scan", "bodies" },
  { "", "Shape", "discrete" },
  { "", "Size", "discrete" },
  { "", "TfIdfVectorizer", "integer" },
  { "", "Unique", "rare" },
  { "", "Xor", "discrete" },
  { TRAINING, "Adagrad", "update" },
  { TRAINING, "Adam", "update" },
  { TRAINING, "Momentum", "update" },
  { "adze", "LayerNormalizationGrad", "backend" },
};

/* What no backend of ours computes: numbers that are drawn, and texts. */
static const char *const not_computed[]
    = { "Bernoulli",     "Multinomial",       "RandomNormal",     "RandomNormalLike",
        "RandomUniform", "RandomUniformLike", "TfIdfVectorizer" };

bool
adze_operator_computed (const adze_operator *operator)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (not_computed); i++)
    if (!operator->domain[0] && strcmp (operator->name, not_computed[i]) == 0)
      return false;
  return true;
}

const char *
adze_operator_exemption (const adze_operator *operator)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (exemptions); i++)
    if (strcmp (exemptions[i].op, operator->name) == 0
        && strcmp (exemptions[i].domain, operator->domain) == 0)
      return exemptions[i].word;
  return NULL;
}

const char *
adze_operator_exemption_stale (void)
{
  for (size_t i = 0; i < ADZE_COUNT_OF (exemptions); i++) {
    bool explained = false;
    for (size_t k = 0; k < ADZE_COUNT_OF (words); k++)
      explained = explained || strcmp (words[k].word, exemptions[i].word) == 0;
    if (!explained || !adze_operator_find (exemptions[i].domain, exemptions[i].op))
      return exemptions[i].op;
  }
  return NULL;
}

/* ---- As a page. */

enum { MOST_OPERATORS = 256 };

static int
by_name (const void *a, const void *b)
{
  const adze_operator *x = *(const adze_operator *const *)a, *y = *(const adze_operator *const *)b;
  int domains = strcmp (x->domain, y->domain);
  return domains ? domains : strcmp (x->name, y->name);
}

/* What a reader of the table alone would take to have a gradient, and has none. */
static const char *
gradient_word (const adze_operator *operator)
{
  if (!adze_gradient_rule_find (operator->domain, operator->name))
    return "no";
  bool weighs = !operator->domain[0]
                && (strcmp (operator->name, "SoftmaxCrossEntropyLoss") == 0
                    || strcmp (operator->name, "NegativeLogLikelihoodLoss") == 0);
  return weighs ? "yes, but not of the weights of classes" : "yes";
}

static void
show_row (const adze_operator *operator, adze_buffer *into)
{
  const char *exempt = adze_operator_exemption (operator), *gradient = gradient_word (operator);
  adze_buffer_format (into, "| %s%s%s | %s | %s | %s | %s | %s |\n", operator->domain,
                      operator->domain[0] ? "." : "", operator->name,
                      adze_operator_computed (operator) ? "yes" : "no", gradient, gradient,
                      exempt ? "no" : "yes", exempt ? exempt : "");
}

void
adze_operators_page (adze_buffer *into)
{
  const adze_operator *all[MOST_OPERATORS], *at;
  size_t count = 0, rules = 0, required = 0;
  for (; count < MOST_OPERATORS && (at = adze_operator_at (count)); count++) {
    all[count] = at;
    rules += adze_gradient_rule_find (at->domain, at->name) != NULL;
    required += !adze_operator_exemption (at);
  }
  qsort (all, count, sizeof *all, by_name);
  adze_buffer_format (
      into,
      "# Operators\n\n"
      "Written by `make update-operators` from the tables in `core/graph`; a test fails where the two "
      "differ.\n\n"
      "%zu operators, %zu of them with a gradient; %zu are required to have one. *Forward*: `ref` "
      "computes it, or the host itself where it has bodies (Dropout: as long as it drops nothing; what "
      "drops in training is adze.Drop). "
      "*Gradient*: there is a rule. *Second*: "
      "what the rule makes has rules again, so that it can be differentiated any number of times. "
      "*Required*: networks of layers, convolutions, attention and recurrent nets are trained or "
      "explained through it. Gradients and second derivatives of all that has a rule are held against "
      "small steps in double precision (`tests/unit/test-gradients.c`).\n\n"
      "| operator | forward | gradient | second | required | why not |\n|---|---|---|---|---|---|\n",
      count, rules, required);
  for (size_t i = 0; i < count; i++)
    show_row (all[i], into);
  adze_buffer_text (into, "\n## Why not\n\n");
  for (size_t i = 0; i < ADZE_COUNT_OF (words); i++)
    adze_buffer_format (into, "- *%s*: %s.\n", words[i].word, words[i].meaning);
  adze_buffer_text (
      into,
      "\n## What a rule needs to know\n\n"
      "A node that its rule cannot differentiate is refused by its name when the graph is "
      "differentiated, never passed over:\n\n"
      "- RNN, GRU, LSTM: the number of steps and the hidden size. They are differentiated step by step, "
      "and the graph grows with the steps; it computes the steps forward a second time.\n"
      "- ReduceProd: how many numbers are multiplied.\n"
      "- Concat: the sizes of what it puts together. MatMul, Transpose, normalisations: ranks.\n"
      "- Einsum: an ellipsis that does not stand in front, and is stretched to a longer one, is refused.\n"
      "- ScatterElements, ScatterND: `reduction` \"none\" and \"add\".\n"
      "- ConvTranspose: `output_padding` less than the strides; an `output_shape` that cuts off.\n"
      "- MaxUnpool: without `output_shape`. TopK: with its second output.\n"
      "- BatchNormalization, LayerNormalization, the losses: of their outputs the first; of the losses' "
      "inputs not the weights of classes.\n"
      "- Dropout, where it drops: with its second output.\n\n"
      "Corners: of elements that are equally great (Max, Min, ReduceMax, ReduceMin, GlobalMaxPool) each "
      "gets the same share, MaxPool gives all to the first; Relu has slope 0 at 0, Abs and ReduceL2 as "
      "well. A plugin can say otherwise for any node: `set_gradient` of `adze.graph/1`.\n");
}
