/* SPDX-License-Identifier: Apache-2.0 */
/* categories.c: columns of categories, up to 255 of them: words as they are, or numbers that are cut up. */
#include <stdlib.h>
#include <string.h>

#include "columns.h"

typedef struct word {
  adze_text text;
  double number;
  size_t row;
} word;

static int
by_text (const void *left, const void *right)
{
  const adze_text a = ((const word *)left)->text, b = ((const word *)right)->text;
  const int order = memcmp (a.data, b.data, (size_t)(a.size < b.size ? a.size : b.size));
  return order != 0 ? order : a.size < b.size ? -1 : a.size > b.size;
}

static int
by_number (const void *left, const void *right)
{
  const double a = ((const word *)left)->number, b = ((const word *)right)->number;
  return a < b ? -1 : a > b;
}

/* Numbers that are told apart by how they are written are categories of their own. Up to one more than can be. */
static uint32_t
number_words (const discover_reading *g, const word *words, uint8_t *codes)
{
  const size_t rows = g->r->data.rows;
  uint32_t kinds = 0;
  for (size_t i = 0; i < rows && kinds <= DISCOVER_CATEGORIES; i++) {
    kinds += i == 0 || by_text (&words[i - 1], &words[i]) != 0;
    codes[words[i].row] = (uint8_t)(kinds - 1);
  }
  return kinds;
}

/* Equal numbers are in one bin, that of the middle of their places. */
static uint32_t
cut_by_quantile (const word *words, size_t rows, uint32_t bins, uint8_t *codes)
{
  uint32_t kinds = 0, before = 0;
  for (size_t first = 0, last = 0; first < rows; first = last) {
    while (last < rows && words[last].number == words[first].number)
      last++;
    const double middle = ((double)first + (double)last) / 2 / (double)rows;
    const uint32_t bin = (uint32_t)(middle * bins);
    kinds += first == 0 || bin != before;
    before = bin;
    for (size_t i = first; i < last; i++)
      codes[words[i].row] = (uint8_t)(kinds - 1);
  }
  return kinds;
}

/* Bins in which there is nothing are none. */
static uint32_t
cut_by_width (const word *words, size_t rows, uint32_t bins, uint8_t *codes)
{
  const double low = words[0].number, high = words[rows - 1].number;
  uint32_t kinds = 0, before = 0;
  for (size_t i = 0; i < rows; i++) {
    const double share = (words[i].number / 2 - low / 2) / (high / 2 - low / 2);
    const uint32_t bin = share >= 1 ? bins - 1 : (uint32_t)(share * bins);
    kinds += i == 0 || bin != before;
    before = bin;
    codes[words[i].row] = (uint8_t)(kinds - 1);
  }
  return kinds;
}

/* Numbers of which there are more than bins. */
static bool
is_cut (const discover_reading *g, word *words, uint32_t *kinds, uint8_t *codes)
{
  const discover_settings *s = &g->r->settings;
  const size_t rows = g->r->data.rows;
  uint32_t there = 1;
  for (size_t i = 0; i < rows; i++)
    if (s->cut == DISCOVER_UNCUT || !adze_table_number (words[i].text, &words[i].number))
      return false;
  qsort (words, rows, sizeof *words, by_number);
  for (size_t i = 1; i < rows && there <= s->bins; i++)
    there += words[i].number != words[i - 1].number;
  if (there <= s->bins)
    return false;
  *kinds = s->cut == DISCOVER_BY_QUANTILE ? cut_by_quantile (words, rows, s->bins, codes)
                                          : cut_by_width (words, rows, s->bins, codes);
  return true;
}

static adze_status
read_category (discover_reading *g, uint32_t column, word *words)
{
  discover_run *r = g->r;
  uint8_t *codes = r->data.codes + (size_t)column * r->data.rows;
  uint32_t *kinds = &r->data.kinds[column];
  for (size_t i = 0; i < r->data.rows; i++)
    words[i] = (word){ g->tables->cell (g->table, g->rows[i], g->columns[column]), 0, i };
  if (!is_cut (g, words, kinds, codes)) {
    qsort (words, r->data.rows, sizeof *words, by_text);
    *kinds = number_words (g, words, codes);
  }
  if (*kinds < 2)
    return discover_refuse_constant (r, column);
  if (*kinds <= DISCOVER_CATEGORIES && (*kinds < r->data.rows || r->data.rows < 10))
    return ADZE_OK;
  return adze_fail (r->host, ADZE_E_FORMAT,
                    *kinds > DISCOVER_CATEGORIES
                        ? "the column '%s' has more than %d different values, which are no categories; cut numbers up "
                          "by the parameter 'discretise', or leave the column out by 'columns'"
                        : "the column '%s' has another value in each row, so that none of up to %d categories tells "
                          "anything; cut numbers up by the parameter 'discretise', or leave the column out by 'columns'",
                    r->names[column], DISCOVER_CATEGORIES);
}

adze_status
discover_read_categories (discover_reading *g)
{
  discover_run *r = g->r;
  word *words = NULL;
  adze_status status = discover_room (r->host, (size_t)r->count * r->data.rows, 1, "the categories", &r->data.codes);
  if (status == ADZE_OK)
    status = discover_room (r->host, r->count, sizeof *r->data.kinds, "categories", &r->data.kinds);
  if (status == ADZE_OK)
    status = discover_room (r->host, r->data.rows, sizeof *words, "the cells of a column", &words);
  for (uint32_t i = 0; status == ADZE_OK && i < r->count; i++)
    status = read_category (g, i, words);
  r->host->release (r->host, words);
  return status;
}
