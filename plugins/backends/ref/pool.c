/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c: MaxPool, AveragePool, LpPool, and their global forms. */
#include "pool.h"
#include "nn.h"

/* Does each of the planes of one side have its counterpart? Positions may be any number, for
 * operators round it differently: what a window does not see it does not count. */
adze_status
ref_pool_of (ref_call *call, const adze_view *images, const adze_view *positions, ref_pool *pool)
{
  if (!images || !positions)
    return ref_refuse (call, ADZE_E_FORMAT, "its first input or its first output is left out");
  adze_status status = ref_window_of (call, images, positions, NULL, &pool->window);
  if (status != ADZE_OK)
    return status;
  if (images->shape[0] != positions->shape[0] || images->shape[1] != positions->shape[1])
    return ref_refuse (call, ADZE_E_FORMAT,
                       "batch and channels are %lld and %lld here, and %lld and %lld there",
                       (long long)images->shape[0], (long long)images->shape[1],
                       (long long)positions->shape[0], (long long)positions->shape[1]);
  pool->planes = ref_is_empty (call) ? 0 : images->shape[0] * images->shape[1];
  return ADZE_OK;
}

adze_status
ref_pool_planes (ref_work *work, ref_pool *pool, adze_parallel_body body)
{
  const ref_window *w = &pool->window;
  size_t cost = ref_cost (ref_volume (w->out), ref_volume (w->kernel), 1);
  return ref_work_run (work, (size_t)pool->planes, cost, body, pool);
}

adze_status
ref_pool_run (ref_call *call, ref_pool *pool, adze_parallel_body body)
{
  ref_work work = ref_work_begin (call);
  pool->from = ref_work_in (&work, 0);
  pool->to = ref_work_out (&work, 0);
  return ref_pool_planes (&work, pool, body);
}

/* ---- MaxPool. */

/* The number that Indices has for an element: with storage_order the first dimension runs
 * fastest. */
static int64_t
place_of (const ref_pool *pool, int64_t at)
{
  const ref_window *w = &pool->window;
  if (!pool->columns_first)
    return at;
  int64_t i0 = at / (w->in[1] * w->in[2]), i1 = at / w->in[2] % w->in[1], i2 = at % w->in[2];
  return (i2 * w->in[1] + i1) * w->in[0] + i0;
}

static adze_status
max_piece (void *argument, size_t first, size_t last)
{
  const ref_pool *pool = (const ref_pool *)argument;
  const ref_window *w = &pool->window;
  int64_t in = ref_volume (w->in), out = ref_volume (w->out);
  for (int64_t plane = (int64_t)first; plane < (int64_t)last; plane++)
    for (int64_t o = 0; o < out; o++) {
      int64_t best = ref_largest (w, pool->from + plane * in, o);
      pool->to[plane * out + o] = best < 0 ? -INFINITY : pool->from[plane * in + best];
      if (pool->places)
        pool->places[plane * out + o]
            = best < 0 ? -1 : (double)(plane * in + place_of (pool, best));
    }
  return ADZE_OK;
}

adze_status
ref_max_pool (ref_call *call)
{
  ref_pool pool = { .columns_first = adze_node_int (call->node, "storage_order", 0) != 0 };
  adze_status status = ref_pool_of (call, ref_in (call, 0), ref_out (call, 0), &pool);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  pool.from = ref_work_in (&work, 0);
  pool.to = ref_work_out (&work, 0);
  pool.places = ref_work_out (&work, 1);
  if (pool.places && !ref_same_shape (call->outputs[0], call->outputs[1]))
    work.status = ref_refuse (call, ADZE_E_FORMAT, "its two outputs are not of one shape");
  return ref_pool_planes (&work, &pool, max_piece);
}

/* ---- AveragePool and LpPool. */

static adze_status
average_piece (void *argument, size_t first, size_t last)
{
  const ref_pool *pool = (const ref_pool *)argument;
  const ref_window *w = &pool->window;
  int64_t in = ref_volume (w->in), out = ref_volume (w->out), k[3];
  for (int64_t plane = (int64_t)first; plane < (int64_t)last; plane++)
    for (int64_t o = 0; o < out; o++) {
      ref_sight seen = ref_look (w, o);
      double sum = 0;
      for (bool more = ref_begin (&seen, k); more; more = ref_next (&seen, k))
        sum += pool->from[plane * in + ref_element (w, &seen, k)];
      int64_t count = ref_counted (w, &seen, pool->count_padding);
      pool->to[plane * out + o] = count > 0 ? sum / (double)count : 0;
    }
  return ADZE_OK;
}

static adze_status
norm_piece (void *argument, size_t first, size_t last)
{
  const ref_pool *pool = (const ref_pool *)argument;
  const ref_window *w = &pool->window;
  int64_t in = ref_volume (w->in), out = ref_volume (w->out), k[3];
  for (int64_t plane = (int64_t)first; plane < (int64_t)last; plane++)
    for (int64_t o = 0; o < out; o++) {
      ref_sight seen = ref_look (w, o);
      double sum = 0;
      for (bool more = ref_begin (&seen, k); more; more = ref_next (&seen, k))
        sum += pow (fabs (pool->from[plane * in + ref_element (w, &seen, k)]), pool->power);
      pool->to[plane * out + o] = pow (sum, 1 / pool->power);
    }
  return ADZE_OK;
}

adze_status
ref_average_pool (ref_call *call)
{
  ref_pool pool = { .count_padding = adze_node_int (call->node, "count_include_pad", 0) != 0 };
  adze_status status = ref_pool_of (call, ref_in (call, 0), ref_out (call, 0), &pool);
  return status == ADZE_OK ? ref_pool_run (call, &pool, average_piece) : status;
}

static adze_status
power_of (ref_call *call, ref_pool *pool)
{
  int64_t power = adze_node_int (call->node, "p", 2);
  pool->power = (double)power;
  return power >= 1 ? ADZE_OK
                    : ref_refuse (call, ADZE_E_FORMAT, "p is %lld; it must be 1 or more",
                                  (long long)power);
}

adze_status
ref_lp_pool (ref_call *call)
{
  ref_pool pool = { .power = 2 };
  adze_status status = power_of (call, &pool);
  if (status == ADZE_OK)
    status = ref_pool_of (call, ref_in (call, 0), ref_out (call, 0), &pool);
  return status == ADZE_OK ? ref_pool_run (call, &pool, norm_piece) : status;
}

/* ---- The whole image as one window. */

static adze_status
global_of (ref_call *call, ref_pool *pool)
{
  const adze_view *in = ref_in (call, 0), *out = ref_out (call, 0);
  if (!in || !out || in->rank < 2 || out->rank < 2 || in->shape[0] != out->shape[0]
      || in->shape[1] != out->shape[1] || ref_product (out, 2, out->rank) != 1)
    return ref_refuse (call, ADZE_E_FORMAT,
                       "it needs batch and channels, and gives one number for each");
  int64_t volume = ref_is_empty (call) ? 0 : (int64_t)ref_product (in, 2, in->rank);
  pool->planes = ref_is_empty (call) ? 0 : in->shape[0] * in->shape[1];
  pool->window = (ref_window){ .in = { 1, 1, volume },
                               .out = { 1, 1, 1 },
                               .kernel = { 1, 1, volume },
                               .stride = { 1, 1, 1 },
                               .dilation = { 1, 1, 1 } };
  return ADZE_OK;
}

adze_status
ref_global_average_pool (ref_call *call)
{
  ref_pool pool = { .count_padding = false };
  adze_status status = global_of (call, &pool);
  return status == ADZE_OK ? ref_pool_run (call, &pool, average_piece) : status;
}

adze_status
ref_global_max_pool (ref_call *call)
{
  ref_pool pool = { .count_padding = false };
  adze_status status = global_of (call, &pool);
  return status == ADZE_OK ? ref_pool_run (call, &pool, max_piece) : status;
}

adze_status
ref_global_lp_pool (ref_call *call)
{
  ref_pool pool = { .power = 2 };
  adze_status status = power_of (call, &pool);
  if (status == ADZE_OK)
    status = global_of (call, &pool);
  return status == ADZE_OK ? ref_pool_run (call, &pool, norm_piece) : status;
}

