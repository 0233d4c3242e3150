/* SPDX-License-Identifier: Apache-2.0 */
/* pipeline/expression.c: conditions, evaluated.
 *
 * Reading one (expression_parse.c) leaves its steps in the order in which a stack takes them:
 * operands first, then what is done with them. So there is no recursion here, and no bound is needed
 * but the stack's.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "pipeline/expression_steps.h"

void
adze_expression_free (adze_expression *expression)
{
  if (!expression)
    return;
  for (size_t i = 0; i < expression->count; i++) {
    free (expression->steps[i].stage);
    free (expression->steps[i].name);
  }
  free (expression->steps);
  free (expression->text);
  free (expression);
}

const char *
adze_expression_text (const adze_expression *expression)
{
  return expression->text;
}

/* Names stand for numbers. */
bool
adze_expression_is_condition (const adze_expression *expression)
{
  bool truths[ADZE_EXPRESSION_DEPTH_MAX];
  size_t depth = 0;
  for (size_t i = 0; i < expression->count; i++) {
    const adze_step *step = &expression->steps[i];
    bool truth = adze_step_gives_truth (step);
    if (step->kind == ADZE_STEP_VALUE || step->kind == ADZE_STEP_NAME) {
      truths[depth++] = truth;
      continue;
    }
    if (!adze_step_is_unary (step))
      depth--;
    bool joins = step->kind == ADZE_STEP_AND || step->kind == ADZE_STEP_OR;
    if ((joins && !truths[depth]) || ((joins || step->kind == ADZE_STEP_NOT) && !truths[depth - 1]))
      return false;
    truths[depth - 1] = truth;
  }
  return truths[0];
}

bool
adze_expression_name (const adze_expression *expression, size_t index, const char **stage,
                      const char **name, size_t *character)
{
  for (size_t i = 0; i < expression->count; i++) {
    const adze_step *step = &expression->steps[i];
    if (step->kind != ADZE_STEP_NAME || index-- > 0)
      continue;
    *stage = step->stage;
    *name = step->name;
    if (character)
      *character = step->character;
    return true;
  }
  return false;
}

/* ---- What goes with what. */

const char *
adze_quantity_name (adze_quantity quantity)
{
  static const char *const names[] = { "a number", "a size", "a time", "true or false" };
  return names[quantity];
}

static bool
mix (adze_quantity left, adze_quantity right, adze_quantity *result)
{
  *result = left == ADZE_QUANTITY_NUMBER ? right : left;
  return left == right || left == ADZE_QUANTITY_NUMBER || right == ADZE_QUANTITY_NUMBER;
}

/* The word for what cannot be done; NULL: it can. */
static const char *
combine (adze_step_kind kind, adze_quantity left, adze_quantity right, adze_quantity *result)
{
  bool truths = left == ADZE_QUANTITY_TRUTH || right == ADZE_QUANTITY_TRUTH;
  bool both = left == ADZE_QUANTITY_TRUTH && right == ADZE_QUANTITY_TRUTH;
  switch (kind) {
  case ADZE_STEP_AND:
  case ADZE_STEP_OR:
    *result = ADZE_QUANTITY_TRUTH;
    return both ? NULL : kind == ADZE_STEP_AND ? "joined by \"and\"" : "joined by \"or\"";
  case ADZE_STEP_ADD:
    return !truths && mix (left, right, result) ? NULL : "added";
  case ADZE_STEP_SUBTRACT:
    return !truths && mix (left, right, result) ? NULL : "subtracted";
  case ADZE_STEP_MULTIPLY:
    *result = left == ADZE_QUANTITY_NUMBER ? right : left;
    return !truths && (left == ADZE_QUANTITY_NUMBER || right == ADZE_QUANTITY_NUMBER)
               ? NULL
               : "multiplied";
  case ADZE_STEP_DIVIDE:
    *result = left == right ? ADZE_QUANTITY_NUMBER : left;
    return !truths && (left == right || right == ADZE_QUANTITY_NUMBER) ? NULL : "divided";
  default: {
    bool equality = kind == ADZE_STEP_EQUAL || kind == ADZE_STEP_UNEQUAL;
    bool fits = truths ? both && equality : mix (left, right, result);
    *result = ADZE_QUANTITY_TRUTH;
    return fits ? NULL : "compared";
  }
  }
}

static double
compute (adze_step_kind kind, double a, double b)
{
  switch (kind) {
  case ADZE_STEP_AND:
    return a != 0 && b != 0;
  case ADZE_STEP_OR:
    return a != 0 || b != 0;
  case ADZE_STEP_ADD:
    return a + b;
  case ADZE_STEP_SUBTRACT:
    return a - b;
  case ADZE_STEP_MULTIPLY:
    return a * b;
  case ADZE_STEP_DIVIDE:
    return a / b;
  case ADZE_STEP_LESS:
    return a < b;
  case ADZE_STEP_LESS_EQUAL:
    return a <= b;
  case ADZE_STEP_EQUAL:
    return a == b;
  case ADZE_STEP_UNEQUAL:
    return a != b;
  case ADZE_STEP_GREATER_EQUAL:
    return a >= b;
  case ADZE_STEP_GREATER:
    return a > b;
  default:
    return 0;
  }
}

static adze_error *cannot (const adze_step *step, const char *format, ...) ADZE_PRINTF (2, 3);

static adze_error *
cannot (const adze_step *step, const char *format, ...)
{
  va_list arguments;
  va_start (arguments, format);
  ADZE_AUTO_FREE char *what = adze_text_vformat (format, arguments);
  va_end (arguments);
  if (!what)
    return adze_error_memory ();
  adze_error *error = adze_error_new (ADZE_E_PARAM, "%s", what);
  adze_error_setf (error, "character", "%zu", step->character);
  return error;
}

static adze_error *
apply_unary (const adze_step *step, adze_reading *one)
{
  bool truth = one->quantity == ADZE_QUANTITY_TRUTH;
  if (step->kind == ADZE_STEP_NOT && !truth)
    return cannot (step, "\"not\" stands in front of %s; it needs true or false",
                   adze_quantity_name (one->quantity));
  if (step->kind == ADZE_STEP_NEGATE && truth)
    return cannot (step, "\"-\" stands in front of true or false; it needs a number");
  one->number = step->kind == ADZE_STEP_NOT ? one->number == 0 : -one->number;
  return NULL;
}

static adze_error *
apply_binary (const adze_step *step, adze_reading *left, const adze_reading *right)
{
  adze_quantity result = ADZE_QUANTITY_NUMBER;
  const char *what = combine (step->kind, left->quantity, right->quantity, &result);
  if (what)
    return cannot (step, "%s and %s cannot be %s", adze_quantity_name (left->quantity),
                   adze_quantity_name (right->quantity), what);
  if (step->kind == ADZE_STEP_DIVIDE && right->number == 0)
    return cannot (step, "this divides by zero");
  left->number = compute (step->kind, left->number, right->number);
  left->quantity = result;
  if (!isfinite (left->number))
    return cannot (step, "this is too large a number");
  return NULL;
}

adze_error *
adze_step_apply (const adze_step *step, adze_reading *stack, size_t *depth)
{
  if (step->kind == ADZE_STEP_VALUE) {
    stack[(*depth)++] = step->value;
    return NULL;
  }
  if (adze_step_is_unary (step))
    return apply_unary (step, &stack[*depth - 1]);
  --*depth;
  return apply_binary (step, &stack[*depth - 1], &stack[*depth]);
}

/* ---- Names. */

static char *
full_name (const adze_step *step)
{
  return step->stage ? adze_text_format ("%s.%s", step->stage, step->name) : strdup (step->name);
}

static adze_error *
look_up (const adze_step *step, adze_expression_lookup lookup, void *context, adze_reading *reading)
{
  *reading = (adze_reading){ 0 };
  bool found = lookup && lookup (context, step->stage, step->name, reading);
  if (found && isfinite (reading->number))
    return NULL;
  ADZE_AUTO_FREE char *name = full_name (step);
  if (!name)
    return adze_error_memory ();
  /* Not a number is smaller than nothing and larger than nothing: "not (loss > 5)" would hold. */
  if (found)
    return cannot (step, "'%s' is %s, of which nothing can be said", name,
                   isnan (reading->number) ? "not a number (nan)"
                   : reading->number > 0   ? "infinite (inf)"
                                           : "infinite (-inf)");
  adze_error *error = cannot (step, "there is no '%s'", name);
  adze_error_set (error, "found", name);
  return error;
}

adze_error *
adze_expression_evaluate (const adze_expression *expression, adze_expression_lookup lookup,
                          void *context, adze_reading *reading)
{
  adze_reading stack[ADZE_EXPRESSION_DEPTH_MAX];
  size_t depth = 0;
  adze_error *error = NULL;
  for (size_t i = 0; !error && i < expression->count; i++) {
    const adze_step *step = &expression->steps[i];
    if (step->kind == ADZE_STEP_NAME)
      error = look_up (step, lookup, context, &stack[depth++]);
    else
      error = adze_step_apply (step, stack, &depth);
  }
  if (error)
    return adze_error_wrap (error, "\"%s\" cannot be said to hold or not to hold",
                            expression->text);
  *reading = stack[0];
  return NULL;
}

/* ---- For messages. */

static void
write_reading (const adze_reading *reading, adze_buffer *into)
{
  static const struct {
    adze_quantity quantity;
    double size;
    const char *unit;
  } units[] = {
    { ADZE_QUANTITY_BYTES, 1e9, "GB" },    { ADZE_QUANTITY_BYTES, 1e6, "MB" },
    { ADZE_QUANTITY_BYTES, 1e3, "kB" },    { ADZE_QUANTITY_BYTES, 0, "B" },
    { ADZE_QUANTITY_SECONDS, 1, "s" },     { ADZE_QUANTITY_SECONDS, 1e-3, "ms" },
    { ADZE_QUANTITY_SECONDS, 1e-6, "us" },
  };
  if (reading->quantity == ADZE_QUANTITY_TRUTH) {
    adze_buffer_text (into, reading->number != 0 ? "true" : "false");
    return;
  }
  double size = 1;
  const char *unit = "";
  for (size_t i = 0; i < ADZE_COUNT_OF (units) && !unit[0]; i++)
    if (units[i].quantity == reading->quantity && fabs (reading->number) >= units[i].size) {
      size = units[i].size > 0 ? units[i].size : 1;
      unit = units[i].unit;
    }
  if (reading->quantity == ADZE_QUANTITY_SECONDS && !unit[0]) {
    size = 1e-9;
    unit = "ns";
  }
  char text[ADZE_REAL_TEXT], cut[ADZE_REAL_TEXT];
  snprintf (cut, sizeof cut, "%.6g", reading->number / size);
  /* The fewest digits of what six of them say, in every locale. */
  adze_real_text (strtod (cut, NULL), text);
  size_t length = strlen (text);
  if (length > 2 && strcmp (text + length - 2, ".0") == 0)
    text[length - 2] = '\0';
  adze_buffer_format (into, "%s%s%s", text, unit[0] ? " " : "", unit);
}

/* Was the name of step number INDEX mentioned further in front? */
static bool
mentioned (const adze_expression *expression, size_t index)
{
  const adze_step *one = &expression->steps[index];
  for (size_t i = 0; i < index; i++) {
    const adze_step *other = &expression->steps[i];
    if (other->kind == ADZE_STEP_NAME && strcmp (other->name, one->name) == 0
        && !!other->stage == !!one->stage
        && (!one->stage || strcmp (other->stage, one->stage) == 0))
      return true;
  }
  return false;
}

adze_error *
adze_expression_explain (const adze_expression *expression, adze_expression_lookup lookup,
                         void *context, adze_buffer *into)
{
  bool first = true;
  for (size_t i = 0; i < expression->count; i++) {
    const adze_step *step = &expression->steps[i];
    adze_reading reading = { 0 };
    if (step->kind != ADZE_STEP_NAME || mentioned (expression, i))
      continue;
    adze_buffer_format (into, "%s%s%s%s = ", first ? "" : ", ", step->stage ? step->stage : "",
                        step->stage ? "." : "", step->name);
    if (lookup (context, step->stage, step->name, &reading))
      write_reading (&reading, into);
    else
      adze_buffer_text (into, "unknown");
    first = false;
  }
  return into->failed ? adze_error_memory () : NULL;
}
