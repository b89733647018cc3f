"""The half of check-hub-cache.mjs that runs in Python, with the real huggingface_hub.

`check-hub-cache.py fetch REPOSITORY` fetches a whole repository and prints its folder.
`check-hub-cache.py find REPOSITORY FILE...` prints the paths of files in the cache, asking nothing of
the network, then what `scan_cache_dir` says of the cache.

HF_ENDPOINT and HF_HOME say where. Written for huggingface_hub 2.4.0.
"""

import json
import sys

from huggingface_hub import hf_hub_download, scan_cache_dir, snapshot_download
from huggingface_hub import __version__

command, repository, *files = sys.argv[1:]
if command == "fetch":
    print(json.dumps({"version": __version__, "folder": snapshot_download(repository)}))
else:
    paths = [hf_hub_download(repository, file, local_files_only=True) for file in files]
    cache = scan_cache_dir()
    repos = {
        repo.repo_id: {"files": repo.nb_files, "bytes": repo.size_on_disk, "refs": sorted(repo.refs)}
        for repo in cache.repos
    }
    print(json.dumps({"paths": paths, "repos": repos, "warnings": [str(one) for one in cache.warnings]}))
