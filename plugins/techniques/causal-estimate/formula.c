/* SPDX-License-Identifier: Apache-2.0 */
/* formula.c: reads a formula. It may come from anybody: every byte is looked at. */
#include "formula.h"

#include <stdarg.h>

typedef struct parser {
  const adze_host *host;
  const char *text;
  size_t size, at;
  est_formula *formula;
  uint32_t depth;
} parser;

static adze_status reject (const parser *r, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

static adze_status
reject (const parser *r, const char *format, ...)
{
  char reason[300];
  va_list arguments;
  va_start (arguments, format);
  vsnprintf (reason, sizeof reason, format, arguments);
  va_end (arguments);
  const size_t left = r->size - r->at;
  return adze_fail (r->host, ADZE_E_FORMAT, "its port 'estimand', character %zu: %s; there is \"%.*s\"", r->at + 1,
                    reason, (int)(left < 24 ? left : 24), r->text + r->at);
}

/* ---- Bytes. */

static bool
is_space (char c)
{
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static char
peek (parser *r)
{
  while (r->at < r->size && is_space (r->text[r->at]))
    r->at++;
  return r->at < r->size ? r->text[r->at] : '\0';
}

/* Is the next word this one? Then it is behind us. */
static bool
take (parser *r, const char *word)
{
  const size_t size = strlen (word);
  peek (r);
  if (r->size - r->at < size || memcmp (r->text + r->at, word, size) != 0)
    return false;
  r->at += size;
  return true;
}

static adze_status
want (parser *r, const char *word)
{
  return take (r, word) ? ADZE_OK : reject (r, "needed is '%s'", word);
}

/* ---- Variables. */

static bool
is_letter (char c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-'
         || (unsigned char)c >= 0x80;
}

/* Behind the opening quote. */
static adze_status
read_quoted (parser *r, adze_bytes *name)
{
  adze_status status = ADZE_OK;
  for (r->at++; status == ADZE_OK && r->at < r->size; r->at++) {
    if (r->text[r->at] == '"' && (r->at + 1 == r->size || r->text[r->at + 1] != '"'))
      break;
    if (r->text[r->at] == '"')
      r->at++;
    if (r->text[r->at] == '\0')
      return reject (r, "a name has a byte that is zero");
    status = adze_bytes_add (r->host, name, &r->text[r->at], 1);
  }
  if (status == ADZE_OK && r->at >= r->size)
    return reject (r, "a quote is not closed");
  r->at++;
  return status;
}

static adze_status
find_variable (parser *r, adze_bytes *name, uint32_t primes, uint32_t *found)
{
  est_formula *f = r->formula;
  for (*found = 0; *found < f->variable_count; ++*found)
    if (f->variables[*found].primes == primes && strcmp (f->variables[*found].name, name->data) == 0)
      return ADZE_OK;
  if (f->variable_count == EST_VARIABLES)
    return reject (r, "there are more than %d variables", (int)EST_VARIABLES);
  f->variables[f->variable_count++] = (est_variable){ name->data, primes };
  memset (name, 0, sizeof *name); /* it is the formula's now */
  return ADZE_OK;
}

static adze_status
parse_variable (parser *r, uint32_t *variable)
{
  adze_bytes name = { 0 };
  adze_status status = ADZE_OK;
  uint32_t primes = 0;
  if (peek (r) == '"')
    status = read_quoted (r, &name);
  else {
    const size_t first = r->at;
    while (r->at < r->size && is_letter (r->text[r->at]))
      r->at++;
    status = r->at > first ? adze_bytes_add (r->host, &name, r->text + first, r->at - first)
                           : reject (r, "needed is a name");
  }
  for (; status == ADZE_OK && r->at < r->size && r->text[r->at] == '\''; r->at++)
    primes++;
  if (status == ADZE_OK)
    status = adze_bytes_add (r->host, &name, "", 1);
  if (status == ADZE_OK)
    status = find_variable (r, &name, primes, variable);
  adze_bytes_release (r->host, &name);
  return status;
}

/* Names with commas, none of them in LIST before. */
static adze_status
read_names (parser *r, est_list *list)
{
  do {
    uint32_t variable = 0;
    adze_status status = parse_variable (r, &variable);
    for (uint32_t i = 0; status == ADZE_OK && i < list->count; i++)
      if (list->items[i] == variable)
        status = reject (r, "'%.100s' is named twice", r->formula->variables[variable].name);
    if (status != ADZE_OK)
      return status;
    list->items[list->count++] = variable;
  } while (take (r, ","));
  return ADZE_OK;
}

/* ---- Parts. */

static adze_status
add_numbers (parser *r, const uint32_t *numbers, uint32_t count, uint32_t *first)
{
  *first = (uint32_t)(r->formula->numbers.size / sizeof *numbers);
  return adze_bytes_add (r->host, &r->formula->numbers, numbers, count * sizeof *numbers);
}

static adze_status
add_part (parser *r, const est_part *part, uint32_t *index)
{
  *index = (uint32_t)(r->formula->parts.size / sizeof *part);
  if (*index == EST_PARTS)
    return reject (r, "it has more than %d parts", (int)EST_PARTS);
  return adze_bytes_add (r->host, &r->formula->parts, part, sizeof *part);
}

static adze_status read_product (parser *r, uint32_t *index);

/* Behind "P(". */
static adze_status
read_p (parser *r, uint32_t *index)
{
  est_part part = { .kind = EST_P };
  est_list *list = (est_list *)r->host->allocate (r->host, sizeof *list);
  if (!list)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for a list of names");
  adze_status status = read_names (r, list);
  part.head_count = list->count;
  if (status == ADZE_OK && take (r, "|"))
    status = read_names (r, list);
  part.given_count = list->count - part.head_count;
  if (status == ADZE_OK)
    status = want (r, ")");
  if (status == ADZE_OK)
    status = add_numbers (r, list->items, list->count, &part.head);
  part.given = part.head + part.head_count;
  r->host->release (r->host, list);
  return status == ADZE_OK ? add_part (r, &part, index) : status;
}

static adze_status
read_operand (parser *r, uint32_t *index)
{
  const est_part one = { .kind = EST_PRODUCT };
  if (take (r, "P("))
    return read_p (r, index);
  if (take (r, "1"))
    return add_part (r, &one, index);
  adze_status status = want (r, "[");
  if (status == ADZE_OK)
    status = read_product (r, index);
  return status == ADZE_OK ? want (r, "]") : status;
}

/* Behind "sum_{". */
static adze_status
read_sum (parser *r, uint32_t *index)
{
  est_part part = { .kind = EST_SUM, .item_count = 1 };
  uint32_t body = 0;
  est_list *list = (est_list *)r->host->allocate (r->host, sizeof *list);
  if (!list)
    return adze_fail (r->host, ADZE_E_MEMORY, "no room for a list of names");
  adze_status status = read_names (r, list);
  part.head_count = list->count;
  if (status == ADZE_OK)
    status = add_numbers (r, list->items, list->count, &part.head);
  r->host->release (r->host, list);
  if (status == ADZE_OK)
    status = want (r, "}");
  if (status == ADZE_OK)
    status = read_product (r, &body);
  if (status == ADZE_OK)
    status = add_numbers (r, &body, 1, &part.items);
  return status == ADZE_OK ? add_part (r, &part, index) : status;
}

static adze_status
read_factor (parser *r, uint32_t *index)
{
  est_part ratio = { .kind = EST_RATIO, .item_count = 2 };
  uint32_t operands[2] = { 0 };
  if (take (r, "sum_{"))
    return read_sum (r, index);
  adze_status status = read_operand (r, &operands[0]);
  *index = operands[0];
  if (status != ADZE_OK || !take (r, "/"))
    return status;
  status = read_operand (r, &operands[1]);
  if (status == ADZE_OK)
    status = add_numbers (r, operands, 2, &ratio.items);
  return status == ADZE_OK ? add_part (r, &ratio, index) : status;
}

static adze_status
read_factors (parser *r, adze_bytes *items)
{
  adze_status status = ADZE_OK;
  do {
    uint32_t item = 0;
    status = read_factor (r, &item);
    if (status == ADZE_OK)
      status = adze_bytes_add (r->host, items, &item, sizeof item);
  } while (status == ADZE_OK && peek (r) && peek (r) != ']');
  return status;
}

static adze_status
read_product (parser *r, uint32_t *index)
{
  est_part part = { .kind = EST_PRODUCT };
  adze_bytes items = { 0 };
  if (r->depth == EST_DEPTH)
    return reject (r, "brackets and sums are nested deeper than %d", (int)EST_DEPTH);
  r->depth++;
  adze_status status = read_factors (r, &items);
  r->depth--;
  part.item_count = (uint32_t)(items.size / sizeof (uint32_t));
  if (status == ADZE_OK)
    status = add_numbers (r, (const uint32_t *)(const void *)items.data, part.item_count, &part.items);
  adze_bytes_release (r->host, &items);
  return status == ADZE_OK ? add_part (r, &part, index) : status;
}

/* ---- The whole. */

static adze_status
read_question (parser *r)
{
  est_formula *f = r->formula;
  adze_status status = want (r, "P(");
  if (status == ADZE_OK)
    status = read_names (r, &f->outcome);
  if (status == ADZE_OK)
    status = want (r, "|");
  if (status == ADZE_OK)
    status = want (r, "do(");
  if (status == ADZE_OK)
    status = read_names (r, &f->treatment);
  if (status == ADZE_OK)
    status = want (r, ")");
  if (status == ADZE_OK && take (r, ","))
    status = read_names (r, &f->given);
  return status == ADZE_OK ? want (r, ")") : status;
}

static adze_status
check_question (parser *r)
{
  const est_formula *f = r->formula;
  bool seen[EST_VARIABLES] = { false };
  const est_list *lists[] = { &f->outcome, &f->treatment, &f->given };
  for (int l = 0; l < 3; l++)
    for (uint32_t i = 0; i < lists[l]->count; i++) {
      const uint32_t v = lists[l]->items[i];
      if (seen[v] || f->variables[v].primes)
        return reject (r, "what is asked has '%.100s' twice, or with a prime", f->variables[v].name);
      seen[v] = true;
    }
  return ADZE_OK;
}

adze_status
est_formula_read (const adze_host *host, const char *text, size_t size, est_formula *formula)
{
  parser r = { .host = host, .text = text, .size = size, .formula = formula };
  memset (formula, 0, sizeof *formula);
  adze_status status = read_question (&r);
  if (status == ADZE_OK)
    status = check_question (&r);
  if (status == ADZE_OK && take (&r, "is not identifiable"))
    return adze_fail (host, ADZE_E_UNSUPPORTED,
                      "its port 'estimand' says that the effect is not identifiable: no table can tell it; see the "
                      "hedge in the report of causal-identify for what must be measured");
  if (status == ADZE_OK)
    status = want (&r, "=");
  if (status == ADZE_OK)
    status = read_product (&r, &formula->root);
  if (status == ADZE_OK && (peek (&r) || r.at < r.size))
    return reject (&r, "behind the formula nothing is needed");
  return status;
}

void
est_formula_close (const adze_host *host, est_formula *formula)
{
  for (uint32_t i = 0; i < formula->variable_count; i++)
    host->release (host, formula->variables[i].name);
  adze_bytes_release (host, &formula->parts);
  adze_bytes_release (host, &formula->numbers);
  formula->variable_count = 0;
}
