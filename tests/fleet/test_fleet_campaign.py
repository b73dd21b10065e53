"""The fleet's crash campaign in short: `python -m tests.bench.fleet_campaign` is the long one."""

import random
from pathlib import Path

from tests.bench.campaign_report import in_words
from tests.bench.fleet_campaign import Campaign, Options, complaints, takeovers_in_words
from tests.cluster import running


def test_f14_f15_workers_killed_and_frozen_and_the_database_crashed_and_nobody_gets_it_twice_or_not_at_all(
    tmp_path: Path,
) -> None:
    options = Options(
        kills=6, seed=random.randrange(10**6), workers=3, readers=700, connections=3, crash_after=3
    )
    print(f"seed {options.seed}")
    with running(durable=True) as cluster:
        campaign = Campaign(options, tmp_path, cluster)
        found = campaign.run()
    print(in_words(campaign.tally, found))
    print(takeovers_in_words(campaign.takeovers))
    assert complaints(found) == []
    assert campaign.tally.kills == 6
    assert campaign.takeovers.crashes == 2
    assert found.states["sent"] + found.states["in doubt"] == 700 * campaign.tally.issues
    assert max(campaign.takeovers.after_kill) < 30
