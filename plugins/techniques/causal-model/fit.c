/* SPDX-License-Identifier: Apache-2.0 */
/* fit.c: an equation for each node out of a table, by linear regression on the powers of each of its parents. */
#include <math.h>

#include "model.h"

static adze_status
bind_columns (scm *m)
{
  adze_status status = ADZE_OK;
  for (uint32_t i = 0; status == ADZE_OK && i < m->count; i++) {
    status = est_data_need (&m->data, m->nodes[i].name, false, &m->nodes[i].column);
    if (status == ADZE_OK && !m->data.columns[m->nodes[i].column].numeric)
      return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                        "the column '%s' has texts, and an equation is of numbers; choose kind = \"discrete\"",
                        m->nodes[i].name);
    if (status == ADZE_OK && m->nodes[i].hidden)
      return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                        "its port 'graph': '%s' shares a hidden cause, and no equation of it can be told from a table; "
                        "causal-identify says what can be",
                        m->nodes[i].name);
  }
  return status;
}

static const double *
numbers_of (const scm *m, uint32_t node)
{
  return m->data.columns[m->nodes[node].column].numbers;
}

/* A parent is taken around its middle and by its scale, so that powers stay apart. */
static adze_status
scale_parents (scm *m, scm_node *node)
{
  for (uint32_t k = 0; k < node->parent_count; k++) {
    const double *x = numbers_of (m, node->parents[k]);
    double low = x[0], high = x[0];
    for (uint32_t row = 1; row < m->data.rows; row++) {
      low = fmin (low, x[row]);
      high = fmax (high, x[row]);
    }
    node->middle[k] = low / 2 + high / 2;
    node->scale[k] = high / 2 - low / 2;
    if (!(node->scale[k] > 0 && isfinite (node->scale[k])))
      return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                        "the column '%s' has the same value in all rows: what it does to '%s' cannot be told",
                        m->nodes[node->parents[k]].name, node->name);
  }
  return ADZE_OK;
}

static void
fill_row (const scm *m, const scm_node *node, uint32_t row, double *x)
{
  *x++ = 1;
  for (uint32_t k = 0; k < node->parent_count; k++) {
    const double z = (numbers_of (m, node->parents[k])[row] - node->middle[k]) / node->scale[k];
    double power = 1;
    for (uint32_t p = 0; p < m->powers; p++)
      *x++ = power *= z;
  }
}

/* What regression leaves is the noise, and its scale. */
static void
take_factors (const scm *m, scm_node *node, const double *x, const double *y, const double *beta, uint32_t width)
{
  double squares = 0;
  node->base = beta[0];
  for (uint32_t k = 0; k < node->parent_count; k++)
    for (uint32_t p = 0; p < m->powers; p++)
      node->factors[k][p] = beta[1 + k * m->powers + p];
  for (uint32_t row = 0; row < m->data.rows; row++) {
    const double noise = y[row] - est_dot (x + (size_t)row * width, beta, width);
    squares += noise * noise;
  }
  node->deviation = m->data.rows > width ? sqrt (squares / (m->data.rows - width)) : 0;
  node->has_law = true;
}

static adze_status
fit_node (scm *m, scm_node *node)
{
  const uint32_t width = 1 + node->parent_count * m->powers, rows = m->data.rows;
  const double *y = m->data.columns[node->column].numbers;
  double beta[EST_WIDTH];
  uint32_t singular = 0;
  adze_status status = scale_parents (m, node);
  if (status != ADZE_OK)
    return status;
  if (width > EST_WIDTH || rows < width + 1)
    return adze_fail (m->host, ADZE_E_UNSUPPORTED,
                      "'%s' has an equation of %u numbers, and there are %u rows; more rows, or a lower 'degree', are "
                      "needed",
                      node->name, (unsigned)width, (unsigned)rows);
  double *x = (double *)m->host->allocate (m->host, (size_t)rows * width * sizeof *x);
  if (!x)
    return adze_fail (m->host, ADZE_E_MEMORY, "no room for a matrix of %u rows", (unsigned)rows);
  for (uint32_t row = 0; row < rows; row++)
    fill_row (m, node, row, x + (size_t)row * width);
  const est_matrix matrix = { .x = x, .y = y, .count = rows, .width = width };
  status = est_fit_linear (m->host, &matrix, beta, &singular);
  if (status == ADZE_OK && singular != SCM_NONE)
    status = adze_fail (m->host, ADZE_E_UNSUPPORTED,
                        "the equation of '%s' cannot be told: its parent '%s' is a mix of the others, or has too few "
                        "values for its powers",
                        node->name, m->nodes[node->parents[singular ? (singular - 1) / m->powers : 0]].name);
  if (status == ADZE_OK)
    take_factors (m, node, x, y, beta, width);
  m->host->release (m->host, x);
  return status;
}

adze_status
scm_fit (scm *m)
{
  adze_status status = bind_columns (m);
  for (uint32_t i = 0; status == ADZE_OK && i < m->count; i++) {
    if (!m->run->progress (m->host, m->context, i, m->count))
      return ADZE_E_CANCELLED;
    status = fit_node (m, &m->nodes[i]);
  }
  m->fitted = true;
  return status;
}

double
scm_law (const scm *m, uint32_t index, const double *values, double noise)
{
  const scm_node *node = &m->nodes[index];
  double sum = node->base;
  for (uint32_t k = 0; k < node->parent_count; k++) {
    const double z = (values[node->parents[k]] - node->middle[k]) / node->scale[k];
    double power = 1;
    for (uint32_t p = 0; p < m->powers; p++)
      sum += node->factors[k][p] * (power *= z);
  }
  return sum + noise;
}
