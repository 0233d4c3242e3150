/* SPDX-License-Identifier: Apache-2.0 */
/* qat: what changes while it learns: rounding begins, steps are followed no more, statistics of batch normalisations
 * stay. A step of training is one graph from beginning to end, so that each of these is an input that says whether
 * it is time yet, and nodes that choose by it. Which step it is says it all: a run that goes on needs nothing else. */
#include "qat.h"

/* ---- Which there are. */

static double
epochs_of (const qat *q, const char *param)
{
  return adze_param_float (q->host, q->params, param);
}

void
qat_set_switches (qat *q)
{
  double delay = epochs_of (q, "delay"), observe = epochs_of (q, "observe");
  q->switches[QAT_WAITS] = (qat_switch){ .name = "%waits", .value = ADZE_NONE, .is_used = delay > 0, .epochs = delay };
  /* Where nothing is rounded yet there is nothing else to be done with them. */
  q->switches[QAT_OBSERVES] = (qat_switch){ .name = "%observes", .value = ADZE_NONE,
                                            .is_used = delay > 0 || observe > 0,
                                            .epochs = delay > observe ? delay : observe };
  q->switches[QAT_NORMS] = (qat_switch){ .name = "%norms", .value = ADZE_NONE,
                                         .is_used = adze_param_is_given (q->host, q->params, "freeze-norm"),
                                         .epochs = epochs_of (q, "freeze-norm") };
}

/* ---- Inputs. */

/* Stands for an input that cannot be there before the data has got its own. */
adze_status
qat_begin_switches (qat *q, adze_nodes *b)
{
  uint8_t yes = 1;
  const adze_view view = { .data = &yes, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = { ADZE_BOOL, 8, 1 } };
  for (size_t i = 0; b->status == ADZE_OK && i < QAT_SWITCHES; i++)
    if (q->switches[i].is_used)
      b->status = b->graphs->add_constant (b->host, b->graph, NULL, &view, &q->switches[i].value);
  return b->status;
}

uint32_t
qat_choose (adze_nodes *b, const qat_switch *by, uint32_t before, uint32_t then)
{
  const uint32_t inputs[] = { by->value, before, then };
  return adze_nodes_add (b, "Where", inputs, 3, NULL);
}

static adze_status
add_inputs (qat *q, adze_graph *graph)
{
  const adze_dtype type = { ADZE_BOOL, 8, 1 };
  adze_status status = ADZE_OK;
  for (size_t i = 0; status == ADZE_OK && i < QAT_SWITCHES; i++) {
    qat_switch *s = &q->switches[i];
    uint32_t input = ADZE_NONE;
    if (!s->is_used)
      continue;
    s->view = (adze_view){ .data = &s->is_before, .device = { ADZE_DEVICE_CPU, 0 }, .dtype = type };
    status = q->graphs->add_input (q->host, graph, s->name, type, 0, NULL, &input);
    if (status == ADZE_OK)
      status = q->graphs->replace (q->host, graph, s->value, input);
    s->value = input;
  }
  return status;
}

size_t
qat_tell_switches (qat *q, uint64_t epoch, uint64_t number, const adze_view **views)
{
  const adze_lesson *t = q->lesson;
  size_t count = 0;
  for (size_t i = 0; i < QAT_SWITCHES; i++) {
    qat_switch *s = &q->switches[i];
    if (!s->is_used)
      continue;
    s->is_before = epoch * t->feed.batches + number < adze_lesson_steps_of (t, s->epochs);
    views[count++] = &s->view;
  }
  return count;
}

/* ---- Batch normalisations. */

static bool
learns_statistics (const adze_graph_node *node)
{
  return node && !node->domain[0] && strcmp (node->op, "BatchNormalization") == 0 && node->output_count == 3
         && adze_node_int (node, "training_mode", 0);
}

static adze_status
keep_statistic (qat *q, adze_nodes *b, uint32_t before, uint32_t after)
{
  const adze_graph_value *value = q->graphs->value (b->graph, before);
  qat_follower *f = &q->followers[q->follower_count];
  f->weight = value->name;
  uint32_t next = qat_choose (b, &q->switches[QAT_NORMS], after, before);
  if (b->status == ADZE_OK) {
    f->next = q->graphs->value (b->graph, next)->name;
    q->follower_count++;
  }
  return b->status;
}

/* Beside the node that takes statistics of its batch, one that takes those that are there. */
static adze_status
keep_node (qat *q, adze_nodes *b, uint32_t number)
{
  const adze_graph_node *node = q->graphs->node (b->graph, number);
  uint32_t inputs[5], outputs[3], first = q->graphs->node_count (b->graph), made = ADZE_NONE;
  adze_graph_attribute epsilon = { .struct_size = sizeof epsilon, .type = ADZE_ATTRIBUTE_FLOAT, .name = "epsilon", .count = 1 };
  const float by = adze_node_float (node, "epsilon", 1e-5f);
  epsilon.floats = &by;
  memcpy (inputs, node->inputs, sizeof inputs);
  memcpy (outputs, node->outputs, sizeof outputs);
  made = adze_nodes_add (b, "BatchNormalization", inputs, 5, &epsilon);
  made = qat_choose (b, &q->switches[QAT_NORMS], outputs[0], made);
  for (uint32_t n = 0; b->status == ADZE_OK && n < first; n++) {
    node = q->graphs->node (b->graph, n);
    for (size_t k = 0; b->status == ADZE_OK && node && k < node->input_count; k++)
      if (node->inputs[k] == outputs[0]) {
        b->status = q->graphs->set_input (q->host, b->graph, n, k, made);
        node = q->graphs->node (b->graph, n);
      }
  }
  for (size_t i = 1; b->status == ADZE_OK && i < 3; i++)
    keep_statistic (q, b, inputs[2 + i], outputs[i]);
  return b->status;
}

static adze_status
keep_norms (qat *q, adze_nodes *b)
{
  uint32_t count = q->graphs->node_count (b->graph);
  size_t found = 0;
  for (uint32_t n = 0; n < count; n++)
    found += learns_statistics (q->graphs->node (b->graph, n));
  if (found == 0)
    return adze_fail (q->host, ADZE_E_PARAM,
                      "parameter 'freeze-norm' is given, and the network has no BatchNormalization; leave it out");
  q->followers = (qat_follower *)q->host->allocate (q->host, 2 * found * sizeof *q->followers);
  if (!q->followers)
    return adze_fail (q->host, ADZE_E_MEMORY, "no room for %zu batch normalisations", found);
  for (uint32_t n = 0; b->status == ADZE_OK && n < count; n++)
    if (learns_statistics (q->graphs->node (b->graph, n)))
      keep_node (q, b, n);
  return b->status;
}

/* ---- In front of the first step. */

adze_status
qat_end_switches (qat *q, adze_graph *graph)
{
  adze_nodes b;
  if (!adze_nodes_begin (&b, q->host, graph))
    return b.status;
  if (q->switches[QAT_NORMS].is_used)
    b.status = keep_norms (q, &b);
  return b.status == ADZE_OK ? add_inputs (q, graph) : b.status;
}

void
qat_follow_rule (const qat *q, adze_train_weight_rule *rule)
{
  for (size_t i = 0; i < q->follower_count; i++)
    if (strcmp (q->followers[i].weight, rule->name) == 0)
      rule->next = q->followers[i].next;
}
