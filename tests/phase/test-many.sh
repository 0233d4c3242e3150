#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# adze phase with more domains than anybody would add by hand: none is left out.
. "$(dirname "$0")/lib.sh"
mkdir -p models/d0000
echo 1 > models/d0000/run.log
"$ADZE" phase create one && "$ADZE" phase add one d0000 models/d0000 || exit 99
python3 - <<'END' || exit 99
import sqlite3
db = sqlite3.connect("adze-phases/state.sqlite")
for i in range(1, 1027):
    db.execute("INSERT INTO domain (phase, name, folder, description, keywords, profile, speed, quality, status)"
               " SELECT phase, ?, folder, description, keywords, profile, speed, quality, ? FROM domain LIMIT 1",
               (f"d{i:04}", "complete" if i < 1026 else "pending"))
db.execute("UPDATE domain SET status = 'complete' WHERE name = 'd0000'")
db.commit()
END
expect 0 "$ADZE" phase clean one --json
json_is d1026 domains 1026 domain
json_is run.log domains 1026 junk 0 path
# The last one counts: as long as it is not complete, nothing is built.
expect 1 "$ADZE" phase build one --as-is --quiet
err_has "the domain 'd1026' is pending"
done_
