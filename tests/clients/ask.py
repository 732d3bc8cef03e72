"""What the Python clients say of a daemon, as JSON. Runs in their virtual environment: ask.py SOCKET CONFIG"""
import json, sys
from birdclient import BirdClient
from pybird import PyBird

path, config = sys.argv[1:]
answers = {}


def note(name, question):
    try:
        answers[name] = question()
    except Exception as error:  # what a client cannot read is what is looked for here
        answers[name] = f"{type(error).__name__}: {error}"


bird = PyBird(path, config_file=config)
note("pybird status", bird.get_bird_status)
note("pybird routes", bird.get_routes)
note("pybird routes for", lambda: bird.get_routes("203.0.113.0/24"))
note("pybird routes of", lambda: bird.get_routes(peer="static4"))
note("pybird prefix", lambda: bird.get_prefix_info("198.18.7.0/24"))
note("pybird prefix of", lambda: bird.get_prefix_info("198.18.7.0/24", "static4"))
note("pybird no route", lambda: bird.get_prefix_info("8.8.8.8/32"))
note("pybird accepted", lambda: bird.get_peer_prefixes_accepted("static4"))
note("pybird no table", lambda: bird.get_peer_prefixes_announced("static4"))
note("pybird peers", bird.get_peer_status)
note("pybird no peer", lambda: bird.get_peer_status("nobody"))
note("pybird check", bird.check_config)
note("pybird configure", bird.configure)
good = bird.get_config()
bird.put_config(good + "\nprotocol nonsense;\n")
note("pybird check of a mistake", bird.check_config)
note("pybird configure with a mistake", bird.commit_config)
bird.put_config(good)
note("pybird configure again", bird.commit_config)

client = BirdClient(path)
note("birdclient status", client.show_status)
note("birdclient protocols", client.show_protocols)
for table in ("master4", "lab4", "lab6", "spare", "roas", "nowhere"):
    note(f"birdclient {table}", lambda: client.show_route_table(table))
json.dump(answers, sys.stdout, indent=1, sort_keys=True, default=str)
