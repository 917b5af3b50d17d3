# ~/.profile: executed by the command interpreter for login shells.
if [ -n "$BASH_VERSION" ]; then
    if [ -f "$HOME/.bashrc" ]; then
	. "$HOME/.bashrc"
    fi
fi
export ARTEFACTS_URL=http://paris-artifactory1.groupe.example:8081/artifactory/maven-all
export EDITOR=vim
