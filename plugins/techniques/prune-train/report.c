/* SPDX-License-Identifier: Apache-2.0 */
/* prune-train: what is told of it. */
#include "trim.h"

uint64_t
trim_count_all (const trim *t)
{
  return t->by_channels ? trim_channel_count (t) : t->weights;
}

uint64_t
trim_count_gone (const trim *t)
{
  uint64_t gone = t->by_channels ? trim_channels_gone (t) : 0;
  for (size_t i = 0; i < t->count && !t->by_channels; i++)
    gone += t->tensors[i].gone;
  return gone;
}

double
trim_reached (const trim *t)
{
  return trim_count_all (t) ? (double)trim_count_gone (t) / (double)trim_count_all (t) : 0;
}

adze_status
trim_tell_cut (const trim *t, uint64_t step)
{
  const adze_field fields[] = {
    adze_lesson_count_field ("cut", t->done),
    adze_lesson_count_field ("step", step),
    adze_lesson_count_field ("pruned", trim_count_gone (t)),
    adze_lesson_real_field ("sparsity", trim_reached (t)),
  };
  adze_log (t->lesson.host, ADZE_LOG_INFO, "cut %llu of %llu behind step %llu: %.4g of the %s are gone",
            (unsigned long long)t->done, (unsigned long long)t->cuts, (unsigned long long)step, trim_reached (t),
            t->by_channels ? "channels" : "weights");
  return adze_row (t->lesson.host, "cuts", fields, sizeof fields / sizeof fields[0]);
}

/* Of steps and depths alone: how many went in a cut before a kill nobody knows any more. */
static void
report_cuts (const trim *t, adze_report *r)
{
  const adze_host *host = t->lesson.host;
  adze_report_open (host, r, "cuts", "[");
  for (uint64_t i = 1; i <= t->cuts; i++) {
    adze_report_open (host, r, NULL, "{");
    adze_report_count (host, r, "step", trim_cut_step (t, i));
    adze_report_number (host, r, "depth", trim_cut_depth (t, i));
    adze_report_close (host, r, "}");
  }
  adze_report_close (host, r, "]");
}

void
trim_report (void *argument, const adze_lesson *lesson, adze_report *r)
{
  const trim *t = (const trim *)argument;
  const adze_host *host = lesson->host;
  static const char *const params[] = { "criterion", "growth", "scope", "pattern" };
  size_t count = sizeof params / sizeof params[0] - (t->by_channels ? 1 : 0); /* they have no pattern */
  adze_report_open (host, r, "pruning", "{");
  for (size_t i = 0; i < count; i++)
    adze_report_text (host, r, params[i], adze_param_string (host, lesson->params, params[i]));
  adze_report_bool (host, r, "rewound", t->earlier != NULL);
  adze_report_count (host, r, "counted", trim_count_all (t));
  adze_report_count (host, r, "pruned", trim_count_gone (t));
  report_cuts (t, r);
  adze_report_open (host, r, "tensors", "[");
  for (size_t i = 0; i < t->count; i++) {
    adze_report_open (host, r, NULL, "{");
    adze_report_text (host, r, "name", t->tensors[i].name);
    adze_report_count (host, r, "weights", t->tensors[i].count);
    adze_report_count (host, r, "pruned", t->tensors[i].gone);
    adze_report_close (host, r, "}");
  }
  adze_report_close (host, r, "]");
  adze_report_close (host, r, "}");
}

static adze_status
tell_tensor (const trim *t, const trim_tensor *tensor)
{
  const adze_field fields[] = {
    adze_lesson_count_field ("weights", tensor->count),
    adze_lesson_count_field ("pruned", tensor->gone),
    adze_lesson_real_field ("kept", (double)(tensor->count - tensor->gone) / (double)tensor->count),
  };
  if (tensor->gone == tensor->count)
    adze_log (t->lesson.host, ADZE_LOG_WARNING, "nothing is left of '%s'; min-kept says how much is to be",
              tensor->name);
  return adze_decided (t->lesson.host, tensor->name, fields, sizeof fields / sizeof fields[0]);
}

/* Each tensor, or group of channels, may be off by a half. */
static void
warn_of_shortage (const trim *t)
{
  const size_t parts = t->by_channels ? trim_group_count (t) : t->count;
  const double asked = t->sparsity * (double)trim_count_all (t), missing = asked - (double)trim_count_gone (t);
  if (t->m == 0 && missing > 0.5 + 0.5 * (double)parts)
    adze_log (t->lesson.host, ADZE_LOG_WARNING, "%.0f %s were to go, and %llu have: %s no more to go", asked,
              t->by_channels ? "channels" : "weights", (unsigned long long)trim_count_gone (t),
              t->by_channels ? "'min-kept', 'multiple', 'criterion' and the last one of each group leave" : "'min-kept' leaves");
}

adze_status
trim_tell_end (const trim *t)
{
  const adze_host *host = t->lesson.host;
  adze_status status = adze_metric (host, "counted", (double)trim_count_all (t), NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "pruned", (double)trim_count_gone (t), NULL);
  if (status == ADZE_OK)
    status = adze_metric (host, "sparsity", trim_reached (t), NULL);
  if (status == ADZE_OK && t->m == 0)
    status = adze_achieved (host, "sparsity", t->sparsity, trim_reached (t));
  for (size_t i = 0; status == ADZE_OK && i < t->count; i++)
    status = tell_tensor (t, &t->tensors[i]);
  if (status == ADZE_OK)
    warn_of_shortage (t);
  return status;
}
