/* SPDX-License-Identifier: Apache-2.0 */
/* adze/sdk.h: everything that a plugin author needs, in one include. */
#ifndef ADZE_SDK_H
#define ADZE_SDK_H

#include <adze/abi.h>
#include <adze/check.h>
#include <adze/error.h>
#include <adze/event.h>
#include <adze/half.h>
#include <adze/host_table.h>
#include <adze/kernel.h>
#include <adze/log.h>
#include <adze/numbers.h>
#include <adze/parallel.h>
#include <adze/param.h>
#include <adze/plugin.h>
#include <adze/random.h>
#include <adze/status.h>
#include <adze/tensor.h>
#include <adze/threading.h>

#include <adze/draft/backend.h>
#include <adze/draft/dag.h>
#include <adze/draft/damage.h>
#include <adze/draft/decision.h>
#include <adze/draft/drawing.h>
#include <adze/draft/emotion.h>
#include <adze/draft/entries.h>
#include <adze/draft/eval.h>
#include <adze/draft/feed.h>
#include <adze/draft/feed_column.h>
#include <adze/draft/feed_run.h>
#include <adze/draft/file.h>
#include <adze/draft/format.h>
#include <adze/draft/graph.h>
#include <adze/draft/jobs.h>
#include <adze/draft/json.h>
#include <adze/draft/layers.h>
#include <adze/draft/left.h>
#include <adze/draft/lesson.h>
#include <adze/draft/lesson_base.h>
#include <adze/draft/lesson_checkpoint.h>
#include <adze/draft/lesson_network.h>
#include <adze/draft/lesson_report.h>
#include <adze/draft/lesson_settings.h>
#include <adze/draft/lesson_watch.h>
#include <adze/draft/match.h>
#include <adze/draft/model.h>
#include <adze/draft/ngrams.h>
#include <adze/draft/nodes.h>
#include <adze/draft/observer.h>
#include <adze/draft/records.h>
#include <adze/draft/report.h>
#include <adze/draft/run.h>
#include <adze/draft/claim.h>
#include <adze/draft/codec.h>
#include <adze/draft/scorer.h>
#include <adze/draft/source.h>
#include <adze/draft/table.h>
#include <adze/draft/tap.h>
#include <adze/draft/technique.h>
#include <adze/draft/train.h>
#include <adze/draft/traits.h>

#endif
