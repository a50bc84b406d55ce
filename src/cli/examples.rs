//! What `--help` shows below the options.

/// Examples, and what the exit code says.
macro_rules! examples {
    ($($line:literal)+) => {
        concat!("EXAMPLES:\n", $("  ", $line, "\n",)+ "\n", "EXIT CODES:\n", "  0 done   1 failed   2 wrong usage or settings   3 not found (a key, a node)")
    };
}

pub(super) const TOP: &str = examples!(
    "ringhold                                  # a cluster of three nodes on http://localhost:8000"
    "ringhold --nodes 5 --port 9000            # the same with five nodes on another port"
    r#"ringhold set user:1 '{"name": "Ada"}'     # store a value"#
    "ringhold get user:1                       # print it"
    "ringhold --url http://cache:8000 stats    # of another cluster"
    "ringhold set --help                       # more on one command"
);
pub(super) const DEV: &str = examples!(
    "ringhold dev"
    "ringhold dev --nodes 5 --port 9000 --data /tmp/cache"
    "ringhold dev --cache-max-items 0 --cache-max-memory 1073741824"
);
pub(super) const NODE: &str = examples!(
    "ringhold node --data /var/lib/ringhold                   # a cluster of one"
    "ringhold node --listen 0.0.0.0:7400 --advertise node-1:7400 --seeds node-1:7400,node-2:7400,node-3:7400"
    "ringhold node --listen 10.0.0.4:7400 --join 10.0.0.1:7400 --zone eu-1 --data /var/lib/ringhold"
);
pub(super) const ROUTER: &str = examples!(
    "ringhold router                                          # in front of a node on this machine"
    "ringhold router --host 0.0.0.0 --nodes node-1:7400,node-2:7400,node-3:7400"
    "ringhold router --port 9000 --allowed-origins https://shop.example.com"
);
pub(super) const SETTINGS: &str = examples!(
    "ringhold settings                                        # passwords and keys are hidden"
    "ringhold settings --env-file deploy/ringhold.env -o json"
    "CACHE_MAX_ITEMS=50000 ringhold settings"
);
pub(super) const HEALTH: &str = examples!(
    "ringhold health                                          # whichever role runs on this machine: 0 ready, 1 not"
    "ringhold health http://127.0.0.1:7480                    # a node"
    "ringhold health --live http://cache:8000                 # a router, and only whether its process serves"
);
pub(super) const CLUSTER: &str = examples!(
    "ringhold cluster status --watch"
    "ringhold cluster plan --drain 3                          # what would move; nothing is changed"
    "ringhold cluster drain 3 --wait && ringhold cluster remove 3"
    "ringhold cluster safe-to-stop 2 && echo 'node 2 may be stopped'"
    "ringhold cluster settings --replication-factor 3"
    "ringhold cluster config set max_items=50000 default_ttl=600"
    "ringhold cluster namespaces"
);
pub(super) const CLUSTER_STATUS: &str = examples!(
    "ringhold cluster status"
    "ringhold cluster status --watch --every 5"
    "ringhold cluster status -o json --url http://cache:8000"
);
pub(super) const CLUSTER_PLAN: &str = examples!(
    "ringhold cluster plan                                    # what is left to do now"
    "ringhold cluster plan --replication-factor 3"
    "ringhold cluster plan --drain 3 --weight 4=200"
    "ringhold cluster plan --remove 5 -o json"
);
pub(super) const CLUSTER_APPLY: &str = examples!(
    "ringhold cluster apply --replication-factor 3 --wait"
    "ringhold cluster apply --weight 4=200 --weight 5=default"
    "ringhold cluster apply                                   # resume what was paused"
);
pub(super) const CLUSTER_PAUSE: &str = examples!("ringhold cluster pause");
pub(super) const CLUSTER_RESUME: &str = examples!("ringhold cluster resume");
pub(super) const CLUSTER_CANCEL: &str = examples!("ringhold cluster cancel");
pub(super) const CLUSTER_DRAIN: &str = examples!(
    "ringhold cluster drain 3 --wait                          # ends when node 3 holds nothing"
    "ringhold cluster drain 3 --cancel"
);
pub(super) const CLUSTER_REMOVE: &str = examples!(
    "ringhold cluster remove 3                                # refused while it holds a last copy"
    "ringhold cluster remove 3 --force                        # what only it held is lost"
);
pub(super) const CLUSTER_WEIGHT: &str = examples!(
    "ringhold cluster weight 4 200                            # twice the share of a plain node"
    "ringhold cluster weight 4 default"
);
pub(super) const CLUSTER_SAFE_TO_STOP: &str = examples!(
    "ringhold cluster safe-to-stop 2                          # 0: it may be stopped, 1: it should not be"
    "ringhold cluster safe-to-stop 2 && systemctl stop ringhold"
);
pub(super) const CLUSTER_SETTINGS: &str = examples!(
    "ringhold cluster settings"
    "ringhold cluster settings --replication-factor 3 --min-in-sync 2"
    "ringhold cluster settings --fill-bytes-per-s 67108864 --rehome-after-s 300"
);
pub(super) const CLUSTER_NODES: &str = examples!(
    "ringhold cluster nodes"
    "ringhold cluster nodes -o json"
);
pub(super) const CLUSTER_CONFIG: &str = examples!(
    "ringhold cluster config get"
    "ringhold cluster config set max_items=50000"
);
pub(super) const CONFIG_GET: &str = examples!(
    "ringhold cluster config get"
    "ringhold cluster config get max_items"
    "ringhold -n shop cluster config get -o json"
);
pub(super) const CONFIG_SET: &str = examples!(
    "ringhold cluster config set max_items=50000 max_memory=1073741824"
    "ringhold -n shop cluster config set default_ttl=0"
);
pub(super) const CLUSTER_NAMESPACES: &str = examples!(
    "ringhold cluster namespaces"
    "ringhold cluster namespaces --remove old-shop"
);
pub(super) const APIKEYS: &str = examples!(
    "ringhold apikeys create shop --scope read --scope write --allow-namespace shop"
    "ringhold apikeys list"
    "ringhold apikeys revoke 5d1f0c3a9b7e4286"
);
pub(super) const APIKEYS_CREATE: &str = examples!(
    "ringhold apikeys create metrics --scope read"
    "ringhold apikeys create carts --scope read --scope write --allow-namespace shop --allow-keys 'cart:*'"
    "ringhold apikeys create deploy --scope admin --expires-in 86400 -o json | jq -r .api_key"
);
pub(super) const APIKEYS_LIST: &str = examples!(
    "ringhold apikeys list"
    "ringhold apikeys list -o json | jq -r '.keys[].id'"
);
pub(super) const APIKEYS_ROTATE: &str = examples!(
    "ringhold apikeys rotate 5d1f0c3a9b7e4286"
    "ringhold apikeys rotate 5d1f0c3a9b7e4286 --overlap 0      # the old text ends at once"
);
pub(super) const APIKEYS_REVOKE: &str = examples!(
    "ringhold apikeys revoke 5d1f0c3a9b7e4286"
    "ringhold apikeys revoke 5d1f0c3a9b7e4286 || echo 'there is none'"
);
pub(super) const GET: &str = examples!(
    "ringhold get user:1"
    "ringhold get user:1 --full"
    "ringhold -n shop get 'cart/17 a' -o json | jq ."
    "ringhold get user:1 || echo 'not there'"
);
pub(super) const SET: &str = examples!(
    r#"ringhold set user:1 '{"name": "Ada"}' --ttl 600 --tag user --tag admin"#
    "ringhold set greeting hello                # not JSON, so a string"
    "ringhold set version 1.10 --string         # a string although it reads as a number"
    "ringhold set page:home --file home.html --string"
    r#"curl -s https://example.com/data.json | ringhold set data - --metadata '{"source": "example"}'"#
    "ringhold set lock:job me --if-absent --ttl 30 || echo 'somebody has it'"
    "ringhold set user:1 changed --if-version 12-345"
);
pub(super) const INCR: &str = examples!(
    "ringhold incr hits"
    "ringhold incr stock:42 -3 --initial 100"
    "ringhold incr rate:ann --ttl 60             # a window of a minute, begun by its first call"
);
pub(super) const GETSET: &str = examples!(
    "ringhold getset token new-token             # prints the old one; nothing if there was none"
    "ringhold getset token new-token -o json     # the whole old item, and what was stored"
);
pub(super) const TOUCH: &str = examples!(
    "ringhold touch session:7 --ttl 900"
    "ringhold touch session:7 || echo 'it has ended'"
);
pub(super) const DELETE: &str = examples!(
    "ringhold delete user:1"
    "ringhold delete user:1 user:2 user:3"
);
pub(super) const KEYS: &str = examples!(
    "ringhold keys"
    "ringhold keys 'user:*' --limit 1000"
    "ringhold keys 'user:*' --all | wc -l"
    "ringhold keys -o json --offset 100"
);
pub(super) const STATS: &str = examples!(
    "ringhold stats"
    "ringhold -n shop stats -o json | jq .statistics.hit_rate"
);
pub(super) const ANALYTICS: &str = examples!(
    "ringhold analytics hot-keys --limit 10"
    "ringhold analytics memory"
    "ringhold -n shop analytics access-patterns -o json | jq '.minutes[-1]'"
);
pub(super) const EXPORT: &str = examples!(
    "ringhold export backup.ndjson"
    "ringhold export --pattern 'user:*' --format json users.json"
    "ringhold export | gzip > backup.ndjson.gz"
);
pub(super) const IMPORT: &str = examples!(
    "ringhold import backup.ndjson"
    "ringhold import users.json --on-conflict skip"
    "gunzip -c backup.ndjson.gz | ringhold import -"
);
pub(super) const CLEAR: &str = examples!(
    "ringhold clear 'temp:*'"
    "ringhold -n shop clear --all"
);
pub(super) const INVALIDATE: &str = examples!(
    "ringhold invalidate --tag user --tag profile"
    "ringhold invalidate --tag user --pattern 'temp:*'"
);
pub(super) const WARM: &str = examples!(
    "ringhold warm config.json"
    r#"echo '{"config:app": {"version": "1.0.0"}}' | ringhold warm -"#
);
