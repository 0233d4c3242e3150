/* SPDX-License-Identifier: Apache-2.0 */
/* plug.c: computes a formula from a table. A probability that the table cannot tell, since nobody in it has what is
 * given, is unknown; what is multiplied by zero need not be known. */
#include "plug.h"

#include <math.h>

/* Numbers of all counts, cells of an answer, steps of one answer: at most. */
enum { NUMBERS = 1 << 22, CELLS = 1 << 16 };
#define STEPS 2e8

/* ---- What has to be counted. */

static uint32_t
levels_of (const est_plug *p, uint32_t variable)
{
  return p->data->columns[p->columns[variable]].level_count;
}

static adze_status
bind_variables (est_plug *p)
{
  const est_formula *f = p->formula;
  adze_status status = ADZE_OK;
  for (uint32_t v = 0; status == ADZE_OK && v < f->variable_count; v++)
    status = est_data_need (p->data, f->variables[v].name, true, &p->columns[v]);
  for (uint32_t i = 0; status == ADZE_OK && i < f->treatment.count; i++)
    p->treatment[p->columns[f->treatment.items[i]]] = true;
  return status;
}

static adze_status
size_counts (est_plug *p, est_counts *c)
{
  double head = 1, given = 1;
  for (uint32_t i = 0; i < c->count; i++) {
    for (uint32_t k = 0; k < i; k++)
      if (c->columns[k] == c->columns[i])
        return adze_fail (p->host, ADZE_E_FORMAT,
                          "its port 'estimand': a probability has two values of '%s' at once",
                          p->data->columns[c->columns[i]].name);
    *(i < c->head ? &head : &given) *= p->data->columns[c->columns[i]].level_count;
  }
  if (head * given + given + (double)p->numbers > NUMBERS)
    return adze_fail (p->host, ADZE_E_UNSUPPORTED,
                      "the formula needs to know how often each of %.3g combinations of values occurs, and %d is the "
                      "most; put columns into fewer bins",
                      head * given, (int)NUMBERS);
  c->head_cells = (uint32_t)head;
  c->given_cells = (uint32_t)given;
  c->offset = p->numbers;
  p->numbers += (size_t)c->head_cells * c->given_cells + c->given_cells;
  return ADZE_OK;
}

/* One count does for all probabilities of the same columns. */
static adze_status
count_for (est_plug *p, const est_part *part, uint32_t *index)
{
  est_counts *c = &p->counts[p->counts_count];
  memset (c, 0, sizeof *c);
  c->head = part->head_count;
  c->count = part->head_count + part->given_count;
  for (uint32_t i = 0; i < c->count; i++)
    c->columns[i] = p->columns[est_numbers_at (p->formula, part->head)[i]];
  for (*index = 0; *index < p->counts_count; ++*index) {
    const est_counts *other = &p->counts[*index];
    if (other->head == c->head && other->count == c->count
        && memcmp (other->columns, c->columns, c->count * sizeof c->columns[0]) == 0)
      return ADZE_OK;
  }
  p->counts_count++;
  return size_counts (p, c);
}

static adze_status
plan_counts (est_plug *p)
{
  const uint32_t parts = (uint32_t)(p->formula->parts.size / sizeof (est_part));
  uint32_t leaves = 0;
  for (uint32_t i = 0; i < parts; i++)
    leaves += est_part_at (p->formula, i)->kind == EST_P;
  p->counts = (est_counts *)p->host->allocate (p->host, (leaves + 1) * sizeof *p->counts);
  p->counts_of = (uint32_t *)p->host->allocate (p->host, (parts + 1) * sizeof *p->counts_of);
  if (!p->counts || !p->counts_of)
    return adze_fail (p->host, ADZE_E_MEMORY, "no room for a formula of %u parts", (unsigned)parts);
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < parts; i++)
    if (est_part_at (p->formula, i)->kind == EST_P)
      status = count_for (p, est_part_at (p->formula, i), &p->counts_of[i]);
  return status;
}

static double
steps_of (const est_plug *p, uint32_t index)
{
  const est_part *part = est_part_at (p->formula, index);
  double steps = 1, times = 1;
  for (uint32_t i = 0; i < part->item_count; i++)
    steps += steps_of (p, est_numbers_at (p->formula, part->items)[i]);
  for (uint32_t i = 0; part->kind == EST_SUM && i < part->head_count; i++)
    times *= levels_of (p, est_numbers_at (p->formula, part->head)[i]);
  return steps * times;
}

/* ---- The question. */

uint32_t
est_plug_places (const est_plug *p)
{
  return p->formula->treatment.count + p->formula->given.count + p->formula->outcome.count;
}

uint32_t
est_plug_variable (const est_plug *p, uint32_t place)
{
  const est_list *lists[] = { &p->formula->treatment, &p->formula->given, &p->formula->outcome };
  int l = 0;
  while (place >= lists[l]->count)
    place -= lists[l++]->count;
  return lists[l]->items[place];
}

void
est_plug_cell (const est_plug *p, size_t cell, uint32_t *values)
{
  for (uint32_t place = est_plug_places (p); place-- > 0;) {
    const uint32_t levels = levels_of (p, est_plug_variable (p, place));
    values[place] = (uint32_t)(cell % levels);
    cell /= levels;
  }
}

static adze_status
size_answer (est_plug *p)
{
  double cells = 1;
  for (uint32_t place = 0; place < est_plug_places (p); place++)
    cells *= levels_of (p, est_plug_variable (p, place));
  const double steps = cells * steps_of (p, p->formula->root);
  if (cells > CELLS || steps > STEPS)
    return adze_fail (p->host, ADZE_E_UNSUPPORTED,
                      "the answer has %.3g numbers, and takes %.3g steps; %d and %.3g are the most: ask for less at "
                      "once, or put columns into fewer bins",
                      cells, steps, (int)CELLS, STEPS);
  p->cells = (size_t)cells;
  return ADZE_OK;
}

static adze_status
find_level (const est_plug *p, const est_column *column, const char *text, uint32_t *level)
{
  for (*level = 0; *level < column->level_count; ++*level)
    if (column->levels[*level].size == strlen (text)
        && memcmp (column->levels[*level].data, text, strlen (text)) == 0)
      return ADZE_OK;
  return adze_fail (p->host, ADZE_E_PARAM, "parameter 'contrast': the column '%s' never has the value '%s'",
                    column->name, text);
}

static adze_status
find_contrast (est_plug *p, const char *from, const char *to)
{
  const est_column *column = &p->data->columns[p->columns[p->formula->treatment.items[0]]];
  p->to = column->level_count - 1;
  adze_status status = from ? find_level (p, column, from, &p->from) : ADZE_OK;
  if (status == ADZE_OK && to)
    status = find_level (p, column, to, &p->to);
  if (status == ADZE_OK && p->from == p->to)
    return adze_fail (p->host, ADZE_E_UNSUPPORTED,
                      "the column '%s' has one value to compare; an effect is between two", column->name);
  return status;
}

/* Ties go to the value that comes first. */
static uint32_t
most_seen (const est_data *data, const est_column *column)
{
  double best = -1;
  uint32_t chosen = 0;
  for (uint32_t level = 0; level < column->level_count; level++) {
    double sum = 0;
    for (uint32_t row = 0; row < data->rows; row++)
      if (column->codes[row] == level)
        sum += data->weights ? data->weights[row] : 1;
    if (sum > best) {
      best = sum;
      chosen = level;
    }
  }
  return chosen;
}

adze_status
est_plug_open (const adze_host *host, const est_formula *formula, est_data *data, const char *from, const char *to,
               est_plug *plug)
{
  memset (plug, 0, sizeof *plug);
  plug->host = host;
  plug->formula = formula;
  plug->data = data;
  adze_status status = bind_variables (plug);
  if (status == ADZE_OK)
    status = plan_counts (plug);
  if (status == ADZE_OK)
    status = size_answer (plug);
  if (status == ADZE_OK)
    status = find_contrast (plug, from, to);
  for (uint32_t v = 0; status == ADZE_OK && v < formula->variable_count; v++)
    plug->fixed[v] = most_seen (data, &data->columns[plug->columns[v]]);
  return status;
}

void
est_plug_close (est_plug *plug)
{
  if (plug->counts)
    plug->host->release (plug->host, plug->counts);
  if (plug->counts_of)
    plug->host->release (plug->host, plug->counts_of);
}

/* ---- Counting. */

/* STRATUM: rows whose extra cause is above zero (1) or not (0); -1: all. */
static double
count_rows (const est_plug *p, const est_sample *sample, int stratum, double *numbers)
{
  double sum = 0;
  memset (numbers, 0, p->numbers * sizeof *numbers);
  for (uint32_t i = 0; i < sample->count; i++) {
    const uint32_t row = sample->rows[i], treated = sample->treated ? sample->treated[i] : row;
    const double weight = p->data->weights ? p->data->weights[row] : 1;
    if (stratum >= 0 && (sample->extra[i] > 0) != stratum)
      continue;
    sum += weight;
    for (uint32_t k = 0; k < p->counts_count; k++) {
      const est_counts *c = &p->counts[k];
      size_t head = 0, given = 0;
      for (uint32_t j = 0; j < c->count; j++) {
        const est_column *column = &p->data->columns[c->columns[j]];
        size_t *into = j < c->head ? &head : &given;
        *into = *into * column->level_count + column->codes[p->treatment[c->columns[j]] ? treated : row];
      }
      numbers[c->offset + given * c->head_cells + head] += weight;
      numbers[c->offset + (size_t)c->head_cells * c->given_cells + given] += weight;
    }
  }
  return sum;
}

/* ---- Computing. */

typedef struct computer {
  const est_plug *plug;
  const double *numbers;
  uint32_t values[EST_VARIABLES];
  /* The first probability that could not be told: its part, and the values it was asked for. */
  uint32_t lacks;
  uint32_t lacks_values[EST_VARIABLES];
} computer;

typedef struct value {
  double number;
  bool known;
} value;

static value compute (computer *c, uint32_t index);

static value
compute_p (computer *c, uint32_t index, const est_part *part)
{
  const est_plug *p = c->plug;
  const est_counts *counts = &p->counts[p->counts_of[index]];
  const uint32_t *variables = est_numbers_at (p->formula, part->head);
  size_t head = 0, given = 0;
  for (uint32_t i = 0; i < counts->count; i++) {
    size_t *into = i < counts->head ? &head : &given;
    *into = *into * levels_of (p, variables[i]) + c->values[variables[i]];
  }
  const double of = c->numbers[counts->offset + (size_t)counts->head_cells * counts->given_cells + given];
  if (of > 0)
    return (value){ c->numbers[counts->offset + given * counts->head_cells + head] / of, true };
  if (c->lacks == UINT32_MAX) {
    c->lacks = index;
    memcpy (c->lacks_values, c->values, sizeof c->values);
  }
  return (value){ 0, false };
}

static value
compute_product (computer *c, const est_part *part)
{
  value product = { 1, true };
  for (uint32_t i = 0; i < part->item_count; i++) {
    const value factor = compute (c, est_numbers_at (c->plug->formula, part->items)[i]);
    if (factor.known && factor.number == 0)
      return factor;
    product.number *= factor.number;
    product.known = product.known && factor.known;
  }
  return product;
}

static value
compute_sum (computer *c, const est_part *part)
{
  const uint32_t *over = est_numbers_at (c->plug->formula, part->head);
  const uint32_t body = *est_numbers_at (c->plug->formula, part->items);
  value sum = { 0, true };
  uint32_t before[EST_VARIABLES], at = 0;
  for (uint32_t i = 0; i < part->head_count; i++) {
    before[i] = c->values[over[i]];
    c->values[over[i]] = 0;
  }
  while (at < part->head_count) {
    const value one = compute (c, body);
    sum.number += one.number;
    sum.known = sum.known && one.known;
    for (at = 0; at < part->head_count; at++) {
      if (++c->values[over[at]] < levels_of (c->plug, over[at]))
        break;
      c->values[over[at]] = 0;
    }
  }
  for (uint32_t i = 0; i < part->head_count; i++)
    c->values[over[i]] = before[i];
  return sum;
}

static value
compute (computer *c, uint32_t index)
{
  const est_part *part = est_part_at (c->plug->formula, index);
  const uint32_t *items = est_numbers_at (c->plug->formula, part->items);
  switch (part->kind) {
  case EST_P:
    return compute_p (c, index, part);
  case EST_SUM:
    return compute_sum (c, part);
  case EST_RATIO: {
    const value above = compute (c, items[0]), below = compute (c, items[1]);
    const bool known = above.known && below.known && below.number > 0;
    return (value){ known ? above.number / below.number : 0, known };
  }
  default:
    return compute_product (c, part);
  }
}

/* ---- The answer. */

static adze_status
say_lack (const computer *c)
{
  const est_plug *p = c->plug;
  char words[400] = "";
  if (c->lacks == UINT32_MAX)
    return adze_fail (p->host, ADZE_E_UNSUPPORTED,
                      "the formula divides by what never occurs in the table: more rows, or fewer values, are needed");
  const est_part *part = est_part_at (p->formula, c->lacks);
  for (uint32_t i = 0; i < part->given_count; i++) {
    const uint32_t v = est_numbers_at (p->formula, part->given)[i];
    const est_column *column = &p->data->columns[p->columns[v]];
    const size_t used = strlen (words);
    const char *level = column->levels[c->lacks_values[v]].data;
    snprintf (words + used, sizeof words - used, "%s%.*s = %.*s", i ? ", " : "", est_cut (column->name, 60),
              column->name, est_cut (level, 60), level);
  }
  return adze_fail (p->host, ADZE_E_UNSUPPORTED,
                    "the table has no row with %s, and the formula needs to know what happens there; give more rows, "
                    "or put columns into fewer bins",
                    words);
}

static adze_status
compute_cells (const est_plug *p, const double *numbers, double share, double *cells, bool *known)
{
  uint32_t values[EST_VARIABLES];
  computer c = { .plug = p, .numbers = numbers, .lacks = UINT32_MAX };
  memcpy (c.values, p->fixed, sizeof c.values);
  for (size_t cell = 0; cell < p->cells; cell++) {
    est_plug_cell (p, cell, values);
    for (uint32_t place = 0; place < est_plug_places (p); place++)
      c.values[est_plug_variable (p, place)] = values[place];
    const value v = compute (&c, p->formula->root);
    if (!v.known && !known)
      return say_lack (&c);
    if (!v.known) {
      *known = false;
      return ADZE_OK;
    }
    cells[cell] += share * v.number;
  }
  return ADZE_OK;
}

/* The last places of a cell are those of the outcomes, and change first. */
bool
est_plug_is_distribution (const est_plug *p, const double *cells, double *worst)
{
  size_t outcomes = 1;
  bool fine = true;
  *worst = 1;
  for (uint32_t i = 0; i < p->formula->outcome.count; i++)
    outcomes *= levels_of (p, p->formula->outcome.items[i]);
  for (size_t first = 0; first < p->cells; first += outcomes) {
    double sum = 0;
    for (size_t i = first; i < first + outcomes; i++) {
      sum += cells[i];
      fine = fine && cells[i] < 1 + 1e-6;
    }
    if (fabs (sum - 1) > fabs (*worst - 1))
      *worst = sum;
  }
  return fine && fabs (*worst - 1) < 1e-6;
}

/* Of the last treatment value of the contrast against the first: the mean of the outcome where it is a number, and
 * else how likely its last value is. What is given has the value that is seen most; of several treatments and
 * outcomes all go together. */
static double
effect_of (const est_plug *p, const double *cells)
{
  const est_formula *f = p->formula;
  const est_column *outcome = &p->data->columns[p->columns[f->outcome.items[0]]];
  const bool mean = f->outcome.count == 1 && outcome->numeric;
  double effect = 0;
  uint32_t values[EST_VARIABLES];
  for (size_t cell = 0; cell < p->cells; cell++) {
    bool high = true, low = true, counts = true;
    est_plug_cell (p, cell, values);
    for (uint32_t i = 0; i < f->treatment.count; i++) {
      const uint32_t last = levels_of (p, f->treatment.items[i]) - 1;
      high = high && values[i] == (f->treatment.count == 1 ? p->to : last);
      low = low && values[i] == (f->treatment.count == 1 ? p->from : 0);
    }
    for (uint32_t i = f->treatment.count; i < est_plug_places (p); i++) {
      const uint32_t variable = est_plug_variable (p, i);
      const bool is_outcome = i >= f->treatment.count + f->given.count;
      counts = counts && (is_outcome ? mean || values[i] == levels_of (p, variable) - 1
                                     : values[i] == p->fixed[variable]);
    }
    double number = 1;
    if (mean)
      adze_table_number (outcome->levels[values[est_plug_places (p) - 1]], &number);
    if (counts && (high || low))
      effect += (high ? number : 0) * cells[cell] - (low ? number : 0) * cells[cell];
  }
  return effect;
}

adze_status
est_plug_estimate (const est_job *job, const est_sample *sample, double *out, bool *known)
{
  const est_plug *p = (const est_plug *)job->own;
  double *numbers = (double *)job->host->allocate (job->host, (p->numbers + 1) * sizeof *numbers);
  if (!numbers)
    return adze_fail (job->host, ADZE_E_MEMORY, "no room for %zu counts", p->numbers);
  adze_status status = ADZE_OK;
  memset (out, 0, job->quantities * sizeof *out);
  const double all = count_rows (p, sample, sample->extra ? 1 : -1, numbers);
  if (!sample->extra)
    status = compute_cells (p, numbers, 1, out + 1, known);
  /* With a cause that has two values, the formula is that of each of them, weighted by how often it occurs. */
  if (sample->extra && all > 0)
    status = compute_cells (p, numbers, all / sample->count, out + 1, known);
  if (sample->extra && status == ADZE_OK && *known) {
    const double rest = count_rows (p, sample, 0, numbers);
    status = rest > 0 ? compute_cells (p, numbers, rest / sample->count, out + 1, known) : ADZE_OK;
  }
  out[0] = effect_of (p, out + 1);
  job->host->release (job->host, numbers);
  return status;
}
