/* SPDX-License-Identifier: Apache-2.0 */
/* loss.c: NegativeLogLikelihoodLoss and SoftmaxCrossEntropyLoss. */
#include "nn.h"
#include "work.h"

#include <math.h>

typedef struct loss_job {
  int64_t batch, classes, inner; /* a score is [n][c][i] */
  const double *scores, *weights;
  double *logarithms; /* of the probabilities */
  const int64_t *targets;
  bool ignores;
  int64_t ignored;
} loss_job;

/* ---- Shapes. */

static adze_status
sizes_of (ref_call *call, loss_job *job)
{
  const adze_view *scores = ref_in (call, 0), *targets = ref_in (call, 1);
  if (!scores || !targets || scores->rank < 2 || targets->rank != scores->rank - 1)
    return ref_refuse (call, ADZE_E_FORMAT, "scores need batch and classes, and targets one "
                       "dimension less than scores");
  for (int32_t d = 0; d < targets->rank; d++)
    if (targets->shape[d] != scores->shape[d == 0 ? 0 : d + 1])
      return ref_refuse (call, ADZE_E_FORMAT,
                         "dimension %d of the targets is %lld and does not fit the scores",
                         d, (long long)targets->shape[d]);
  bool empty = adze_view_count (scores) == 0;
  job->batch = empty ? 0 : scores->shape[0];
  job->classes = empty ? 0 : scores->shape[1];
  job->inner = empty ? 1 : (int64_t)ref_product (scores, 2, scores->rank);
  if (empty && adze_view_count (targets) > 0)
    return ref_refuse (call, ADZE_E_FORMAT, "there are targets and no classes");
  job->ignores = adze_node_attribute (call->node, "ignore_index") != NULL;
  job->ignored = adze_node_int (call->node, "ignore_index", 0);
  return ref_need_count (call, 2, "the weights", (size_t)scores->shape[1]);
}

static adze_status
check_targets (ref_call *call, const loss_job *job)
{
  for (int64_t i = 0; i < job->batch * job->inner; i++) {
    int64_t target = job->targets[i];
    if ((target < 0 || target >= job->classes) && !(job->ignores && target == job->ignored))
      return ref_refuse (call, ADZE_E_FORMAT, "target %lld is not one of %lld classes",
                         (long long)target, (long long)job->classes);
  }
  return ADZE_OK;
}

/* ---- The loss. */

static double
weight_of (const loss_job *job, int64_t target)
{
  if (job->ignores && target == job->ignored)
    return 0;
  return job->weights ? job->weights[target] : 1;
}

/* Of place I; WEIGHT is not 0 where its target is a class. */
static double
loss_of (const loss_job *job, int64_t i, double weight)
{
  int64_t n = i / job->inner, target = job->targets[i];
  if (job->ignores && target == job->ignored)
    return 0;
  const double *numbers = job->logarithms ? job->logarithms : job->scores;
  return -weight * numbers[(n * job->classes + target) * job->inner + i % job->inner];
}

/* What is given: each place's own, the sum, or the mean. Sums go from the first to the last. */
static adze_status
reduce (ref_call *call, const loss_job *job, double *to)
{
  const char *reduction = adze_node_text (call->node, "reduction", "mean");
  bool none = ref_is (reduction, "none"), mean = ref_is (reduction, "mean");
  int64_t places = job->batch * job->inner;
  double sum = 0, weights = 0;
  if (!none && !mean && !ref_is (reduction, "sum"))
    return ref_refuse (call, ADZE_E_FORMAT, "reduction is '%s'; there are none, sum and mean",
                       reduction);
  if (to && adze_view_count (call->outputs[0]) != (none ? (size_t)places : 1))
    return ref_refuse (call, ADZE_E_FORMAT, "output 0 has %zu elements and does not fit",
                       adze_view_count (call->outputs[0]));
  for (int64_t i = 0; to && i < places; i++) {
    double weight = weight_of (job, job->targets[i]), loss = loss_of (job, i, weight);
    sum += loss;
    weights += weight;
    if (none)
      to[i] = loss;
  }
  if (to && !none)
    to[0] = mean ? sum / weights : sum;
  return ADZE_OK;
}

adze_status
ref_negative_log_likelihood_loss (ref_call *call)
{
  loss_job job = { .ignores = false };
  adze_status status = sizes_of (call, &job);
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  job.scores = ref_work_in (&work, 0);
  job.targets = ref_work_ints (&work, 1);
  job.weights = ref_work_in (&work, 2);
  double *to = ref_work_out (&work, 0);
  if (work.status == ADZE_OK)
    work.status = check_targets (call, &job);
  return ref_work_end (&work, work.status == ADZE_OK ? reduce (call, &job, to) : work.status);
}

/* ---- Logarithms of softmax. */

static adze_status
softmax_piece (void *argument, size_t first, size_t last)
{
  const loss_job *job = (const loss_job *)argument;
  for (int64_t place = (int64_t)first; place < (int64_t)last; place++) {
    int64_t start = place / job->inner * job->classes * job->inner + place % job->inner;
    double most = -INFINITY, sum = 0;
    for (int64_t c = 0; c < job->classes; c++)
      most = fmax (most, job->scores[start + c * job->inner]);
    for (int64_t c = 0; c < job->classes; c++)
      sum += exp (job->scores[start + c * job->inner] - most);
    for (int64_t c = 0; c < job->classes; c++)
      job->logarithms[start + c * job->inner]
          = job->scores[start + c * job->inner] - most - log (sum);
  }
  return ADZE_OK;
}

adze_status
ref_softmax_cross_entropy_loss (ref_call *call)
{
  loss_job job = { .ignores = false };
  adze_status status = sizes_of (call, &job);
  if (status == ADZE_OK && ref_out (call, 1) && !ref_same_shape (call->inputs[0], call->outputs[1]))
    status = ref_refuse (call, ADZE_E_FORMAT, "output 1 has not the shape of the scores");
  if (status != ADZE_OK)
    return status;
  ref_work work = ref_work_begin (call);
  job.scores = ref_work_in (&work, 0);
  job.targets = ref_work_ints (&work, 1);
  job.weights = ref_work_in (&work, 2);
  double *to = ref_work_out (&work, 0);
  job.logarithms = ref_out (call, 1)
                       ? ref_work_out (&work, 1)
                       : ref_work_room (&work, adze_view_count (call->inputs[0]), sizeof (double));
  if (work.status == ADZE_OK)
    work.status = check_targets (call, &job);
  if (work.status == ADZE_OK)
    work.status
        = adze_parallel_for (call->host, (size_t)(job.batch * job.inner),
                             ref_grain (ref_cost (job.classes, 32, 1)), softmax_piece, &job);
  return ref_work_end (&work, work.status == ADZE_OK ? reduce (call, &job, to) : work.status);
}
