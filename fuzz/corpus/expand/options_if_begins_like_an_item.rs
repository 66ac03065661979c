epoch_beoin, on_n, on_epoch_end, if = crate = ois=uns=ppppqp=pp+pppppppppppc<=pp=ppqp=ppafe4|{co&ppppppppp= epoch == et|ppppor}
